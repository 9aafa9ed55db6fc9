//! The service in a process: a world of objects, faults and the HTTP face.
