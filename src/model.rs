//! Values only: names, relationships, scopes, items, changes.
