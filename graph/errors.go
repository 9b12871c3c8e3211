package graph

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Sentinels that every error of this package wraps one of.
var (
	// ErrProgram: the program is malformed, or an attribute has no meaning.
	ErrProgram = errors.New("malformed program")
	// ErrGraph: a graph breaks a rule that Check holds.
	ErrGraph = errors.New("malformed graph")
	// ErrShape: shapes do not fit each other.
	ErrShape = errors.New("shapes do not fit")
	// ErrUnsupported: the program is fine but needs an operation, or a form of
	// one, that this package does not know.
	ErrUnsupported = errors.New("unsupported operation")
)

// An OpError says which operation of a program, or which layer of a graph, is
// wrong.
type OpError struct {
	Op  string // Paddle's op type, or the layer's kind
	Var string // its first output
	Err error  // wraps one of the sentinels
}

// Error returns the message.
func (e *OpError) Error() string { return fmt.Sprintf("%s %q: %v", e.Op, e.Var, e.Err) }

// Unwrap returns the reason.
func (e *OpError) Unwrap() error { return e.Err }

// An UnsupportedError lists all op types of a program that cannot be imported,
// with how often each occurs. errors.Is(err, ErrUnsupported) holds.
type UnsupportedError struct {
	Counts map[string]int
}

// Error returns the message, the types in alphabetical order.
func (e *UnsupportedError) Error() string {
	types := make([]string, 0, len(e.Counts))
	for t, n := range e.Counts {
		types = append(types, fmt.Sprintf("%s (%d)", t, n))
	}
	slices.Sort(types)
	return fmt.Sprintf("%d unsupported operation types: %s", len(types), strings.Join(types, ", "))
}

// Is makes an UnsupportedError match ErrUnsupported.
func (e *UnsupportedError) Is(target error) bool { return target == ErrUnsupported }

func shapeErr(format string, args ...any) error {
	return fmt.Errorf(format+": %w", append(args, ErrShape)...)
}

func programErr(format string, args ...any) error {
	return fmt.Errorf(format+": %w", append(args, ErrProgram)...)
}

func unsupportedErr(format string, args ...any) error {
	return fmt.Errorf(format+": %w", append(args, ErrUnsupported)...)
}

func graphErr(format string, args ...any) error {
	return fmt.Errorf(format+": %w", append(args, ErrGraph)...)
}
