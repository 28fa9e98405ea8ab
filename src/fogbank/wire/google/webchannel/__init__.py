"""WebChannel: streaming methods over ordinary HTTP requests, for web pages.

The protocol is that of Google's Closure Library (https://github.com/google/closure-library, `goog.labs.net.webChannel`
and `goog.net.BrowserChannel`), version 8: a session has a forward channel, of requests that carry numbered maps, and a
back channel, a response that goes on for as long as there is something to tell.
"""
