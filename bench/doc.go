// Package bench measures how fast networks run: FP32 against INT8 in the same
// process, in alternating short windows, so that what else happens on the
// machine hits both.
//
//	go test -bench . ./bench
//	octet bench
//	make ratios efficiency overhead crowd
//
// The networks of the table have seeded random weights (package nets): speed
// does not depend on the values.
package bench
