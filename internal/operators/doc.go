// Package operators holds, in its tests, every operator that Octet promises
// against what real Paddle computes, and writes the table of them.
package operators
