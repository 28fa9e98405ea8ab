"""google.firestore.admin.v1.FirestoreAdmin."""
