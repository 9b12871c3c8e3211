package model

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
)

// An Option changes how Load finds or reads a model.
type Option func(*loadConfig) error

type loadConfig struct {
	program string // file name inside the directory; "" finds it
	params  string // file of the combined parameters; "" finds it
	lazy    bool   // leave large data in the files
	lim     Limits
}

// WithProgramFile names the program file inside the directory, where it is
// neither __model__ nor the only *.pdmodel.
func WithProgramFile(name string) Option {
	return func(c *loadConfig) error {
		c.program = name
		return checkLocal("WithProgramFile", name)
	}
}

// WithParamsFile names the file of combined parameters inside the directory,
// where it is not called __params__ or like the program with .pdiparams.
func WithParamsFile(name string) Option {
	return func(c *loadConfig) error {
		c.params = name
		return checkLocal("WithParamsFile", name)
	}
}

// WithLimits replaces the limits on what a model may ask for.
func WithLimits(l Limits) Option {
	return func(c *loadConfig) (err error) {
		c.lim, err = l.withDefaults()
		return err
	}
}

// checkLocal refuses a name that is no path inside a directory.
func checkLocal(what, name string) error {
	if !fs.ValidPath(name) || name == "." {
		return fmt.Errorf("model: %s(%q): want a relative path inside the directory", what, name)
	}
	return nil
}

func newLoadConfig(opts []Option) (loadConfig, error) {
	c := loadConfig{}
	for _, o := range append([]Option{WithLimits(Limits{})}, opts...) {
		if err := o(&c); err != nil {
			return c, err
		}
	}
	return c, nil
}

// Load reads the model at name, which is one of
//
//   - a directory with __model__ and either __params__ or one file a
//     parameter, as Paddle 1.x saves;
//   - a directory with exactly one *.pdmodel, or else one *.json, and its
//     *.pdiparams;
//   - a prefix "dir/x" of dir/x.pdmodel or dir/x.json and dir/x.pdiparams, as
//     Paddle 2 and 3 save;
//   - the program file itself.
//
// The content decides what a program is, whatever it is called. A PIR program
// of Paddle 3 is translated to the classical operators; one that has no
// classical form keeps its name (pd_op.xxx).
//
// Where there is no program because a Save was killed while it replaced the
// model, the one that was there is put back first.
//
// Only files inside the model's directory are opened, and only regular ones.
// Whatever they hold, Load returns a checked model or an error and never
// panics; rejections are FormatErrors. The memory that it takes is that of the
// parameters, once, plus a multiple of the program file; see also
// [WithLazyParams].
func Load(name string, opts ...Option) (*Model, error) {
	dir, file := name, "."
	if info, err := os.Stat(name); err != nil || !info.IsDir() {
		dir, file = filepath.Split(filepath.Clean(name))
		if dir == "" {
			dir = "."
		}
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("load %s: %w", printable(name), err)
	}
	m, err := loadFS(rootFS{root}, file, dir, opts)
	if errors.Is(err, fs.ErrNotExist) && tidy(dir) {
		m, err = loadFS(rootFS{root}, file, dir, opts)
	}
	if err != nil || !m.lazy() {
		_ = root.Close() // only read from; lazy parameters open their files in it
	}
	if err != nil {
		return nil, err
	}
	m.Name = name
	return m, nil
}

// LoadFS is Load on a file system; name is "." for its root. What fsys does
// about links and special files is its own affair.
func LoadFS(fsys fs.FS, name string, opts ...Option) (*Model, error) {
	m, err := loadFS(fsys, name, "", opts)
	if err != nil {
		return nil, err
	}
	m.Name = name
	return m, nil
}

// loadFS loads the model at name inside fsys; display is the path of fsys for
// messages.
func loadFS(fsys fs.FS, name, display string, opts []Option) (*Model, error) {
	c, err := newLoadConfig(opts)
	if err != nil {
		return nil, err
	}
	l := loader{loadConfig: c, display: display}
	p, err := l.loadProgram(fsys, name)
	if err != nil {
		return nil, err
	}
	m := &Model{Program: p, Name: l.path(l.program), Source: &l.source}
	if m.Params, err = l.loadParams(p); err != nil {
		return nil, err
	}
	if err := Check(m); err != nil {
		return nil, err
	}
	return m, nil
}

// A loader reads one model out of one directory.
type loader struct {
	loadConfig
	fsys    fs.FS  // the model's directory
	display string // its path, for messages
	source  Source
}

// path returns the path of a file of the model for messages.
func (l *loader) path(name string) string { return filepath.Join(l.display, filepath.FromSlash(name)) }

// loadProgram finds and decodes the program of the model called name.
func (l *loader) loadProgram(fsys fs.FS, name string) (*Program, error) {
	if err := l.locate(fsys, name); err != nil {
		return nil, inFile(err, filepath.Join(l.display, name))
	}
	data, err := readAll(l.fsys, l.program, l.lim.ProgramBytes)
	if err != nil {
		return nil, inFile(err, l.path(l.program))
	}
	p, err := l.decode(data)
	return p, inFile(err, l.path(l.program))
}

// decode reads a program in whichever encoding it is and notes that.
func (l *loader) decode(data []byte) (p *Program, err error) {
	l.source.Form = FormCombined
	switch {
	case isPIR(data[:min(len(data), sniffBytes)]):
		l.source.Form = FormPIR
		p, l.source.PIRVersion, err = decodePIR(data, l.lim)
		return p, err
	case path.Ext(l.program) == pdmodelExt:
		l.source.Form = FormPdModel
	case l.paramsFile() == "":
		l.source.Form = FormSeparate
	}
	return decodeProgram(data, l.lim)
}

// locate finds the directory and the program file of the model called name.
func (l *loader) locate(fsys fs.FS, name string) (err error) {
	dir, file := name, ""
	info, err := fs.Stat(fsys, name)
	switch {
	case err == nil && info.IsDir():
	case err == nil:
		dir, file = path.Dir(name), path.Base(name)
	case errors.Is(err, fs.ErrNotExist):
		dir, file = path.Dir(name), path.Base(name)
		if file, err = prefixed(fsys, dir, file); err != nil {
			return err
		}
	default:
		return openFault(err)
	}
	if l.fsys = fsys; dir != "." {
		if l.fsys, err = fs.Sub(fsys, dir); err != nil {
			return openFault(err)
		}
		l.display = filepath.Join(l.display, filepath.FromSlash(dir))
	}
	switch {
	case l.program != "":
	case file != "":
		l.program = file
	default:
		l.program, err = findProgram(l.fsys)
	}
	return err
}

// prefixed returns the program that belongs to the prefix x in dir.
func prefixed(fsys fs.FS, dir, x string) (string, error) {
	for _, ext := range []string{pdmodelExt, pirExt} {
		if _, err := fs.Stat(fsys, path.Join(dir, x+ext)); err == nil {
			return x + ext, nil
		}
	}
	e := malformed("", fmt.Sprintf("a directory, a program file, or a prefix of %s or %s", x+pdmodelExt, x+pirExt), "none of them")
	e.Kind = fs.ErrNotExist
	return "", e
}
