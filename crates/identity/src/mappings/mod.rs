//! What an application is told about a person.
