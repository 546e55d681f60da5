//! Which workers are attested, by what evidence, until when.
