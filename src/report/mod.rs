//! Renderings of the public models.
