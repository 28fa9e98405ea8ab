"""Firebase's security rules: a language of its own, from text to decisions.

Firebase, "Security Rules language" (https://firebase.google.com/docs/rules/rules-language) and its reference
(https://firebase.google.com/docs/reference/rules/rules).
"""
