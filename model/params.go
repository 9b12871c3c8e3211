package model

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
)

// ParamNames returns the names of p's parameters in the order of combined
// files, which is that of their bytes.
func (p *Program) ParamNames() []string {
	var names []string
	for _, b := range p.Blocks {
		for _, v := range b.Vars {
			if v.IsParam() {
				names = append(names, v.Name)
			}
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// loadParams reads the parameters of p. Their dims and element types are those
// of the streams, whatever the program says of them.
func (l *loader) loadParams(p *Program) (map[string]*Tensor, error) {
	names := p.ParamNames()
	file := l.paramsFile()
	if file == "" {
		return l.loadSeparate(names)
	}
	if len(names) == 0 && l.params == "" && !exists(l.fsys, file) {
		return map[string]*Tensor{}, nil // Paddle writes no file for no parameters
	}
	params, err := l.loadCombined(file, names)
	return params, inFile(err, l.path(file))
}

func (l *loader) loadCombined(file string, names []string) (params map[string]*Tensor, err error) {
	f, size, err := openRegular(l.fsys, file)
	if err != nil {
		return nil, err
	}
	o, err := stayingOpen(f)
	defer func() {
		if err != nil || !l.lazy {
			o.close()
		}
	}()
	if err != nil {
		return nil, err
	}
	late := newFetcher()
	defer func() { err = cmp.Or(err, late.wait()) }()
	s := newStreamReader(l.lim)
	s.reset(f, size)
	if err := s.foreign(); err != nil {
		return nil, err
	}
	params = make(map[string]*Tensor, len(names))
	for i, name := range names {
		if s.left() == 0 {
			return nil, s.fault("", fmt.Sprintf("%d parameters", len(names)), fmt.Sprintf("the end of the file after %d", i))
		}
		s.leave(f, l.later(late, o, file, name))
		if params[name], err = s.tensor(); err != nil {
			return nil, ofParam(err, name)
		}
	}
	if s.left() > 0 {
		return nil, s.fault("", fmt.Sprintf("the end of the file after %d parameters", len(names)), fmt.Sprintf("%d more bytes", s.left()))
	}
	return params, nil
}

// loadSeparate reads one file a parameter. Missing files come as one error.
func (l *loader) loadSeparate(names []string) (params map[string]*Tensor, err error) {
	late := newFetcher()
	defer func() { err = cmp.Or(err, late.wait()) }()
	params = make(map[string]*Tensor, len(names))
	s := newStreamReader(l.lim)
	var missing []string
	for _, name := range names {
		t, err := l.loadOne(s, late, name)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			missing = append(missing, name)
			continue
		case err != nil:
			return nil, inFile(ofParam(err, name), l.path(name))
		}
		params[name] = t
	}
	if len(missing) > 0 {
		return nil, missingFiles(l.path("."), missing, len(names))
	}
	return params, nil
}

func (l *loader) loadOne(s *streamReader, late *fetcher, name string) (*Tensor, error) {
	if err := checkFileName(name); err != nil {
		return nil, err
	}
	f, size, err := openRegular(l.fsys, name)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }() // only read from
	o, err := openedAgain(l.fsys, name, f)
	if err != nil {
		return nil, err
	}
	s.reset(f, size)
	if err := s.foreign(); err != nil {
		return nil, err
	}
	s.leave(f, l.later(late, o, name, name))
	t, err := s.tensor()
	if err == nil && s.left() > 0 {
		return nil, s.fault("", "the end of the file", fmt.Sprintf("%d more bytes", s.left()))
	}
	return t, err
}

// later returns what becomes of large data: late reads it, or whoever asks the
// tensor for it.
func (l *loader) later(late *fetcher, o *origin, file, param string) func(t *Tensor, at, n int64) {
	read := func(to []byte, at int64) error { return inFile(ofParam(o.read(to, at), param), l.path(file)) }
	return func(t *Tensor, at, n int64) {
		if l.lazy {
			t.lazy = &lazy{int(n), o.identity(at, n), func(to []byte) error { return read(to, at) }}
			return
		}
		_, t.Data = alignedWords(n)
		late.jobs <- func() error { return read(t.Data, at) }
	}
}

// foreign refuses a file that is recognisably no parameter stream.
func (s *streamReader) foreign() error {
	head, _ := s.buf.Peek(int(min(sniffBytes, s.size))) // what is short fails in tensor
	if seen := sniff(head); seen != "" {
		return &FormatError{Offset: 0, Expected: "Paddle parameters", Seen: seen, Kind: ErrUnsupported}
	}
	return nil
}

// checkFileName reports whether a parameter of that name can have a file of
// its own: the name is then a path inside the model's directory.
func checkFileName(name string) error {
	if !fs.ValidPath(name) || name == "." || strings.ContainsAny(name, "\x00\\") {
		return malformed("parameter "+quote(name), "a name that is a path inside the model's directory", "one that is not")
	}
	return nil
}

// ofParam names the parameter in an error about its stream.
func ofParam(err error, name string) error {
	var fe *FormatError
	if errors.As(err, &fe) {
		if subject := "parameter " + quote(name); !strings.HasPrefix(fe.Subject, subject) {
			fe.Subject = strings.TrimSuffix(subject+": "+fe.Subject, ": ")
		}
	}
	return err
}

func missingFiles(dir string, missing []string, of int) error {
	const few = 5
	var list strings.Builder
	for i, name := range missing[:min(few, len(missing))] {
		if i > 0 {
			list.WriteString(", ")
		}
		list.WriteString(quote(name))
	}
	if len(missing) > few {
		list.WriteString(", …")
	}
	return &FormatError{
		File: dir, Offset: -1, Kind: fs.ErrNotExist,
		Expected: fmt.Sprintf("a file for each of %d parameters, or __params__ (other names: WithParamsFile)", of),
		Seen:     fmt.Sprintf("%d missing: %s", len(missing), list.String()),
	}
}
