// Package house holds the rules about who may import whom, as
// docs/architecture.md states them, in a test.
package house
