package model

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// What an error of this package is about, for errors.Is. A missing file is
// fs.ErrNotExist and an output that stands in the way fs.ErrExist; failures of
// the file system keep their *fs.PathError.
var (
	// ErrFormat: bytes or a structure that no Paddle model has.
	ErrFormat = errors.New("malformed model")
	// ErrUnsupported: recognised, but not something this package reads.
	ErrUnsupported = errors.New("unsupported")
)

// A FormatError says what is wrong with a model and where.
type FormatError struct {
	File    string // the file, or the model's name for faults of the whole
	Offset  int64  // byte offset in File; -1 where no byte is to blame
	Subject string // op, variable, parameter or field; may be empty
	// Expected and Seen complete "expected …, seen …"; either may be empty.
	Expected, Seen string
	// Kind is the sentinel that errors.Is finds: ErrFormat, ErrTooLarge,
	// ErrUnsupported, fs.ErrNotExist or fs.ErrExist.
	Kind error
	Err  error // the cause, where there is one
}

// Error gives all that is known in one line.
func (e *FormatError) Error() string {
	var b strings.Builder
	b.WriteString("model: ")
	if e.File != "" {
		b.WriteString(printable(e.File) + ": ")
	}
	if e.Offset >= 0 {
		fmt.Fprintf(&b, "byte %d: ", e.Offset)
	}
	if e.Subject != "" {
		b.WriteString(e.Subject + ": ")
	}
	if e.Kind != nil {
		b.WriteString(e.Kind.Error())
	}
	sep := ": "
	if e.Expected != "" {
		b.WriteString(sep + "expected " + e.Expected)
		sep = ", "
	}
	if e.Seen != "" {
		b.WriteString(sep + "seen " + e.Seen)
	}
	if e.Err != nil {
		b.WriteString(": " + e.Err.Error())
	}
	return b.String()
}

// Unwrap gives errors.Is and errors.As the kind and the cause.
func (e *FormatError) Unwrap() []error {
	var out []error
	for _, err := range []error{e.Kind, e.Err} {
		if err != nil {
			out = append(out, err)
		}
	}
	return out
}

// malformed is an ErrFormat without a place; whoever knows the file adds it.
func malformed(subject, expected, seen string) *FormatError {
	return &FormatError{Offset: -1, Subject: subject, Expected: expected, Seen: seen, Kind: ErrFormat}
}

// tooLarge is an ErrTooLarge about a count or size that a limit refuses.
func tooLarge(subject, limit string, most int64, seen string) *FormatError {
	return &FormatError{
		Offset: -1, Subject: subject, Kind: ErrTooLarge,
		Expected: fmt.Sprintf("at most %d (Limits.%s)", most, limit), Seen: seen,
	}
}

// inFile names the file in a FormatError that does not have one yet; other
// errors get the file in front.
func inFile(err error, file string) error {
	var fe *FormatError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &fe):
		if fe.File == "" {
			fe.File = file
		}
		return err
	}
	return fmt.Errorf("model: %s: %w", printable(file), err)
}

// printable keeps names from files harmless on a terminal: those with anything
// unprintable, and endless ones, come quoted.
func printable(s string) string {
	for _, r := range s {
		if !strconv.IsPrint(r) || r == utf8.RuneError {
			return quote(s)
		}
	}
	if len(s) > maxQuoted {
		return quote(s)
	}
	return s
}

// maxQuoted is how much of a name from a file an error repeats.
const maxQuoted = 200

// quote is printable with quotation marks always.
func quote(s string) string {
	if len(s) > maxQuoted {
		return fmt.Sprintf("%q… (%d bytes)", s[:maxQuoted], len(s))
	}
	return fmt.Sprintf("%q", s)
}
