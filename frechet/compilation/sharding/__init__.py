"""Programs over data that is split along one dimension: what each block computes, and how the blocks are joined."""
