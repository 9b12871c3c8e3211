package model

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"
)

// The file names of Paddle's forms.
const (
	fluidProgram = "__model__"
	fluidParams  = "__params__"
	pdmodelExt   = ".pdmodel"
	pdparamsExt  = ".pdiparams"
	pirExt       = ".json"
)

// findProgram returns the program file of the directory fsys: __model__, which
// wins as in Paddle, the only *.pdmodel, or else the only *.json, or that of
// several which has parameters beside it.
func findProgram(fsys fs.FS) (string, error) {
	if exists(fsys, fluidProgram) {
		return fluidProgram, nil
	}
	found, json, others, err := listPrograms(fsys)
	if err != nil {
		return "", openFault(err)
	}
	expected := fmt.Sprintf("%s, one *%s or one *%s in the directory (other names: WithProgramFile)", fluidProgram, pdmodelExt, pirExt)
	if len(found) == 0 {
		if found = json; len(json) > 1 {
			found = slices.DeleteFunc(slices.Clone(json), func(name string) bool {
				return !exists(fsys, strings.TrimSuffix(name, pirExt)+pdparamsExt)
			})
		}
	}
	switch {
	case len(found) == 1:
		return found[0], nil
	case len(found) > 1:
		return "", malformed("", expected, fmt.Sprintf("several: %s", strings.Join(found, ", ")))
	}
	e := malformed("", expected, "an empty directory")
	if others = append(json, others...); len(others) > 0 {
		e.Seen = "no program among: " + strings.Join(others, ", ")
	}
	e.Kind = fs.ErrNotExist
	return "", e
}

// exists reports whether name is there, of whatever kind. A name that cannot
// be looked at counts: opening it then tells why.
func exists(fsys fs.FS, name string) bool {
	_, err := fs.Stat(fsys, name)
	return !errors.Is(err, fs.ErrNotExist)
}

// listPrograms reads the directory a piece at a time, for it may have a million
// entries, and keeps a few names: the *.pdmodel files, the *.json, and others
// that help in an error.
func listPrograms(fsys fs.FS) (found, json, others []string, err error) {
	const few = 8
	f, err := fsys.Open(".")
	if err != nil {
		return nil, nil, nil, err
	}
	defer func() { _ = f.Close() }() // only read from
	dir, ok := f.(fs.ReadDirFile)
	if !ok {
		return nil, nil, nil, fmt.Errorf("%w: the directory cannot be listed", errors.ErrUnsupported)
	}
	for {
		entries, err := dir.ReadDir(1024)
		for _, e := range entries {
			switch name := e.Name(); path.Ext(name) {
			case pdmodelExt:
				found = appendFew(found, name, few)
			case pirExt:
				json = appendFew(json, name, few)
			default:
				others = appendFew(others, printable(name), few)
			}
		}
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, nil, nil, err
		}
	}
	return found, json, others, nil
}

func appendFew(list []string, s string, most int) []string {
	if len(list) < most {
		return append(list, s)
	}
	return list
}

// paramsFile returns the combined parameter file that belongs to the program,
// or "" where the parameters have a file each.
func (l *loader) paramsFile() string {
	if l.params != "" {
		return l.params
	}
	for _, ext := range []string{pdmodelExt, pirExt} {
		if stem, ok := strings.CutSuffix(l.program, ext); ok {
			return stem + pdparamsExt
		}
	}
	if exists(l.fsys, fluidParams) {
		return fluidParams
	}
	return ""
}
