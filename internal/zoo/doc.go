// Package zoo holds, in its tests, whole networks of every family that Octet
// promises against what real Paddle computes: small ones always, those of full
// size where Paddle is installed (make zoo), in FP32 and as INT8 programs that
// both run. testdata/zoo makes them.
package zoo
