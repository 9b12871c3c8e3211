// Package nets builds the networks of the benchmarks as Paddle programs, as
// PaddleCV's scripts define them, with seeded random weights: speed does not
// depend on the values, so no weights have to ship. Saturating is made up, for a
// proof about CPUs without VNNI.
package nets
