//! Clusters of workers, their code, contracts and checkpoints.
