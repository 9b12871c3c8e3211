package main

import (
	"encoding/json"
	"errors"
	"io"
	"strings"
	"syscall"
	"unicode"
	"unicode/utf8"
)

// An output writes results, remembers the first error, and discards what comes
// after it, so that verbs need not check every line. A reader that has gone
// (octet inspect m | head -1) is not an error. Control characters, which names
// in model files may hold, do not reach the terminal.
type output struct {
	w    io.Writer
	err  error
	part []byte // of a character that the next Write completes
}

// Write implements io.Writer; it never fails.
func (o *output) Write(b []byte) (int, error) {
	text := append(o.part, b...)
	whole := len(text)
	for n := 1; n <= min(len(text), utf8.UTFMax); n++ {
		if tail := text[len(text)-n:]; utf8.RuneStart(tail[0]) {
			if !utf8.FullRune(tail) {
				whole -= n
			}
			break
		}
	}
	if o.err == nil {
		_, o.err = io.WriteString(o.w, printable(string(text[:whole])))
	}
	o.part = append([]byte(nil), text[whole:]...)
	return len(b), nil
}

// failure returns why results were lost, if they were.
func (o *output) failure() error {
	if errors.Is(o.err, syscall.EPIPE) {
		return nil
	}
	return o.err
}

// json writes v as one object.
func (o *output) json(v any) error {
	e := json.NewEncoder(o)
	e.SetIndent("", "  ")
	return e.Encode(v)
}

// printable replaces what would steer a terminal. Go strings in error messages
// are often quoted already; this is for those that are not.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r == '\n' || r == '\t' || unicode.IsPrint(r) {
			return r
		}
		return unicode.ReplacementChar
	}, s)
}
