//! TO BE WRITTEN by the owner of this room.
