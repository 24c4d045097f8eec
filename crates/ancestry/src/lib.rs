//! Ancestry: reference panels, principal components, most similar population, adjustment of scores.
