//! State and theme become a frame; read only.
