//! One answer on its way back: the only file that names both sides.
