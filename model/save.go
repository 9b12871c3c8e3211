package model

import (
	"fmt"
	"io"
	"path/filepath"
	"strings"
)

// A SaveOption changes how Save writes a model.
type SaveOption func(*saveConfig) error

type saveConfig struct {
	form      Form
	formGiven bool
	overwrite bool
	encoder   encoder
	extra     []outFile
}

// WithForm chooses the form. Without it a path that ends in .pdmodel gives
// FormPdModel, one that ends in .json FormPIR and every other one FormSeparate.
func WithForm(f Form) SaveOption {
	return func(c *saveConfig) error {
		c.form, c.formGiven = f, true
		if f < FormSeparate || f > FormPIR {
			return fmt.Errorf("model: WithForm(%d): no such form", f)
		}
		return nil
	}
}

// WithOverwrite lets Save replace a model that is there already. A directory
// is only replaced where it holds a model and nothing else but files of the
// names given to WithFile.
func WithOverwrite() SaveOption {
	return func(c *saveConfig) error {
		c.overwrite = true
		return nil
	}
}

// WithoutCallstacks leaves out the attribute op_callstack: Python traces that
// nothing reads at run time and that name paths of the machine which exported
// the model.
func WithoutCallstacks() SaveOption {
	return func(c *saveConfig) error {
		c.encoder.dropCallstack = true
		return nil
	}
}

// WithFile writes data as a file of that name beside the program, in the same
// step as the model: a calibration table, a preset.
func WithFile(name string, data []byte) SaveOption {
	return func(c *saveConfig) error {
		if err := checkLocal("WithFile", name); err != nil {
			return err
		}
		if strings.ContainsAny(name, "/\\\x00") {
			return fmt.Errorf("model: WithFile(%q): want a file name without folders", name)
		}
		c.extra = append(c.extra, bytesFile(name, data))
		return nil
	}
}

// An outFile is a file to be written.
type outFile struct {
	name  string // slash-separated, below the output directory
	write func(io.Writer) error
}

func bytesFile(name string, data []byte) outFile {
	return outFile{name, func(w io.Writer) error { _, err := w.Write(data); return err }}
}

// Save writes m to name: a directory, or for FormPdModel and FormPIR a prefix,
// with or without the program's extension. FormPIR holds what PIR knows:
// operators and attributes that it does not have are refused with
// ErrUnsupported, all of them named, and so are operators of PIR that have no
// classical form in the other forms. Missing parent directories are made. The parameters are
// written from where they are.
//
// Everything is written beside the output and synced before it takes the
// output's name, so that an error leaves nothing new behind and what was there
// as it was. An output that exists is refused with fs.ErrExist, except an
// empty directory; see WithOverwrite. A crash or SIGKILL leaves the old output
// or the new one, never a mix of both, and at worst a folder .octet-save-*
// beside it, which the next Save there removes. In one case (an overwritten pair
// of files) the old pair may be in that folder, until the next Load or Save puts
// it back; see stage for the reasons.
func Save(m *Model, name string, opts ...SaveOption) error {
	c := saveConfig{}
	for _, o := range opts {
		if err := o(&c); err != nil {
			return err
		}
	}
	for _, f := range []Form{FormPdModel, FormPIR} {
		if !c.formGiven && strings.HasSuffix(name, f.ext()) {
			c.form = f
		}
	}
	if err := Check(m); err != nil {
		return fmt.Errorf("save %s: %w", printable(name), err)
	}
	files, err := c.files(m, strings.TrimSuffix(filepath.Base(name), c.form.ext()))
	if err != nil {
		return fmt.Errorf("save %s: %w", printable(name), err)
	}
	if c.form.ext() != "" {
		err = saveFiles(filepath.Dir(name), files, c.overwrite)
	} else {
		err = saveDir(name, files, c.overwrite)
	}
	if err != nil {
		return fmt.Errorf("save %s: %w", printable(name), err)
	}
	return nil
}

// SaveFile writes data to the file name, whose folder is made if it is missing,
// for formats of other packages that hold a model in one file. It takes
// WithOverwrite and WithFile, and is as careful as Save.
func SaveFile(name string, data []byte, opts ...SaveOption) error {
	c := saveConfig{}
	for _, o := range opts {
		if err := o(&c); err != nil {
			return err
		}
	}
	base := filepath.Base(name)
	if err := checkLocal("SaveFile", base); err != nil {
		return err
	}
	files, err := distinct(append(c.extra, bytesFile(base, data)))
	if err == nil {
		err = saveFiles(filepath.Dir(name), files, c.overwrite)
	}
	if err != nil {
		return fmt.Errorf("save %s: %w", printable(name), err)
	}
	return nil
}

// files lists what the form is made of, the program last: a directory without
// a program is no model.
func (c *saveConfig) files(m *Model, stem string) ([]outFile, error) {
	program, err := c.program(m.Program)
	if err != nil {
		return nil, err
	}
	names := m.Program.ParamNames()
	out := c.extra
	programFile := fluidProgram
	switch c.form {
	case FormSeparate:
		for _, name := range names {
			if err := checkFileName(name); err != nil {
				return nil, err
			}
			t := m.Params[name]
			out = append(out, outFile{name, func(w io.Writer) error { return WriteTensor(w, t) }})
		}
	case FormCombined:
		out = append(out, combined(fluidParams, m, names))
	case FormPdModel, FormPIR:
		if stem == "" || stem == "." || stem == ".." {
			return nil, fmt.Errorf("want a prefix with a name, as in dir/name")
		}
		programFile = stem + c.form.ext()
		out = append(out, combined(stem+pdparamsExt, m, names))
	}
	return distinct(append(out, bytesFile(programFile, program)))
}

// distinct refuses two files of one name.
func distinct(files []outFile) ([]outFile, error) {
	seen := make(map[string]bool)
	for _, f := range files {
		if seen[f.name] {
			return nil, malformed("file "+quote(f.name), "one file of that name", "two")
		}
		seen[f.name] = true
	}
	return files, nil
}

// program encodes p as the form wants it.
func (c *saveConfig) program(p *Program) ([]byte, error) {
	if c.form == FormPIR {
		return encodePIR(p)
	}
	if err := onlyClassical(p); err != nil {
		return nil, err
	}
	return c.encoder.program(p)
}

// combined is the file of all parameters, in the order of their names' bytes.
func combined(file string, m *Model, names []string) outFile {
	return outFile{file, func(w io.Writer) error {
		for _, name := range names {
			if err := WriteTensor(w, m.Params[name]); err != nil {
				return err
			}
		}
		return nil
	}}
}
