"""`frechet linearize`: the affine map at a point, the reasons for its form, numbers, the Taylor remainder."""
