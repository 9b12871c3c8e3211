package dataset

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"slices"
)

// PresetFile is the name under which a model's folder holds its preset.
const PresetFile = "preprocess.json"

// maxPresetBytes is far more than any preset needs.
const maxPresetBytes = 64 << 10

// ErrPreset is wrapped by every error about a preset's content.
var ErrPreset = errors.New("bad preset")

// A Rounding says how the long side is rounded when the short side is resized.
type Rounding string

// The ways of rounding.
const (
	// RoundEven rounds halves to even numbers, as Python 3's round.
	RoundEven Rounding = "even"
	// RoundAway rounds halves up, as Python 2's round did for the seed's first users.
	RoundAway Rounding = "away"
	// RoundDown drops the fraction, as torchvision does.
	RoundDown Rounding = "down"
)

// A Preset says how a picture becomes a network's input:
// resize so that the short side is ResizeShort, cut Crop×Crop from the centre,
// and compute (pixel/Divide - Mean)/Std in float32.
type Preset struct {
	// ResizeShort is the length of the short side in pixels; 0 leaves the picture as it is.
	ResizeShort int `json:"resize_short"`
	// Crop is the side of the square cut from the centre (offset rounded down).
	Crop int `json:"crop"`
	// Filter resamples when resizing.
	Filter Filter `json:"filter"`
	// Rounding is how the long side is rounded.
	Rounding Rounding `json:"rounding"`
	// Divide brings pixels (0..255) to scale. It divides, rather than multiply by
	// its inverse, because that is what numpy pipelines do to the last bit.
	Divide float64 `json:"divide"`
	// Mean and Std are one value a channel, in the order of Channels.
	Mean Triple `json:"mean"`
	Std  Triple `json:"std"`
	// Channels is "RGB" or "BGR".
	Channels string `json:"channels"`
	// Layout is "NCHW" or "NHWC", of the float32 output.
	Layout string `json:"layout"`
}

// A Triple is one number a channel.
type Triple [3]float64

// UnmarshalJSON takes exactly three numbers, where a plain array would take any count.
func (t *Triple) UnmarshalJSON(data []byte) error {
	var v []*float64
	if err := json.Unmarshal(data, &v); err != nil {
		return err
	}
	if len(v) != 3 || v[0] == nil || v[1] == nil || v[2] == nil {
		return fmt.Errorf("want three numbers, have %s", data)
	}
	*t = Triple{*v[0], *v[1], *v[2]}
	return nil
}

// DefaultPreset is the reader of Paddle 1.3's INT8 calibration test
// (paddle/fluid/contrib/tests/test_calibration.py): short side 256 by Lanczos,
// centre crop 224, x/255, ImageNet's mean and deviation.
func DefaultPreset() Preset {
	return Preset{
		ResizeShort: 256, Crop: 224, Filter: Lanczos, Rounding: RoundEven, Divide: 255,
		Mean: Triple{0.485, 0.456, 0.406}, Std: Triple{0.229, 0.224, 0.225}, Channels: "RGB", Layout: "NCHW",
	}
}

// MobileNetPreset is DefaultPreset with the values scaled to -1..1, x/127.5 - 1,
// as the MobileNets trained in TensorFlow want them.
func MobileNetPreset() Preset {
	p := DefaultPreset()
	p.Divide, p.Mean, p.Std = 127.5, Triple{1, 1, 1}, Triple{1, 1, 1}
	return p
}

// NoResize returns p without resizing, for pictures that were resized before:
// only the centre is cut out.
func (p Preset) NoResize() Preset {
	p.ResizeShort = 0
	return p
}

// Size returns p for another input size: crop×crop from a short side of resizeShort.
func (p Preset) Size(resizeShort, crop int) Preset {
	p.ResizeShort, p.Crop = resizeShort, crop
	return p
}

// Shape returns the dims of n preprocessed pictures.
func (p Preset) Shape(n int) []int64 {
	c := int64(p.Crop)
	if p.Layout == "NHWC" {
		return []int64{int64(n), c, c, 3}
	}
	return []int64{int64(n), 3, c, c}
}

// Pixels returns what turns the values of each channel of a picture back into
// pixels of 0…255, but for rounding: pixel = value·scale + shift.
func (p Preset) Pixels() (scale, shift []float32) {
	for c := range p.Std {
		scale = append(scale, float32(p.Divide*p.Std[c]))
		shift = append(shift, float32(p.Divide*p.Mean[c]))
	}
	return scale, shift
}

// Elems returns the number of values of one preprocessed picture.
func (p Preset) Elems() int { return 3 * p.Crop * p.Crop }

// Validate reports the first field that makes no sense. The error wraps ErrPreset.
func (p Preset) Validate() error {
	bad := func(format string, a ...any) error {
		return fmt.Errorf("%w: %s", ErrPreset, fmt.Sprintf(format, a...))
	}
	const most = 8192 // an output of 805 MB a picture
	switch {
	case p.Crop < 1 || p.Crop > most:
		return bad("crop is %d, want 1..%d", p.Crop, most)
	case p.ResizeShort != 0 && (p.ResizeShort < p.Crop || p.ResizeShort > most):
		return bad("resize_short is %d, want 0 (none) or crop (%d)..%d", p.ResizeShort, p.Crop, most)
	case kernels[p.Filter].weight == nil:
		return bad("filter is %q, want box, bilinear, bicubic or lanczos", p.Filter)
	case p.Rounding != RoundEven && p.Rounding != RoundAway && p.Rounding != RoundDown:
		return bad("rounding is %q, want even, away or down", p.Rounding)
	case !usable(p.Divide) || p.Divide < 0:
		return bad("divide is %v, want a positive number", p.Divide)
	case p.Channels != "RGB" && p.Channels != "BGR":
		return bad("channels is %q, want RGB or BGR", p.Channels)
	case p.Layout != "NCHW" && p.Layout != "NHWC":
		return bad("layout is %q, want NCHW or NHWC", p.Layout)
	}
	for c := range 3 {
		if m := p.Mean[c]; m != 0 && !usable(m) {
			return bad("mean[%d] is %v, want a number", c, m)
		}
		if !usable(p.Std[c]) {
			return bad("std[%d] is %v, want a number that is not 0", c, p.Std[c])
		}
	}
	for c, row := range p.tables() {
		for v, x := range row {
			if math.IsInf(float64(x), 0) || math.IsNaN(float64(x)) {
				return bad("channel %d: pixel %d becomes %v", c, v, x)
			}
		}
	}
	return nil
}

// usable reports whether x is a float32 that can be divided by.
func usable(x float64) bool {
	f := float64(float32(x))
	return f != 0 && !math.IsInf(f, 0) && !math.IsNaN(f)
}

// tables returns the float32 value of every byte in every channel, computed in
// the order of operations of the numpy expression (x/divide - mean)/std.
func (p Preset) tables() *[3][256]float32 {
	var t [3][256]float32
	for c := range t {
		m, s := float32(p.Mean[c]), float32(p.Std[c])
		for v := range t[c] {
			q := float32(float32(v) / float32(p.Divide))
			t[c][v] = float32(q-m) / s
		}
	}
	return &t
}

// ParsePreset reads a preset as JSON. Fields that are absent keep the value of
// DefaultPreset; unknown fields, null, wrong types and text after the object are errors,
// which wrap ErrPreset and name the field.
func ParsePreset(data []byte) (Preset, error) {
	if len(data) > maxPresetBytes {
		return Preset{}, fmt.Errorf("%w: %d bytes, the limit is %d", ErrPreset, len(data), maxPresetBytes)
	}
	if err := checkFields(data); err != nil {
		return Preset{}, err
	}
	p := DefaultPreset()
	dec := json.NewDecoder(bytes.NewReader(data))
	if err := dec.Decode(&p); err != nil {
		return Preset{}, fmt.Errorf("%w: %w", ErrPreset, err)
	}
	if _, err := dec.Token(); err != io.EOF {
		return Preset{}, fmt.Errorf("%w: text after the object", ErrPreset)
	}
	if err := p.Validate(); err != nil {
		return Preset{}, err
	}
	return p, nil
}

// presetFields are the names of the fields in JSON.
var presetFields = func() (names []string) {
	for t, i := reflect.TypeFor[Preset](), 0; i < t.NumField(); i++ {
		names = append(names, t.Field(i).Tag.Get("json"))
	}
	return names
}()

// checkFields refuses what encoding/json takes silently: unknown and repeated
// fields, names in another case and null.
func checkFields(data []byte) error {
	dec := json.NewDecoder(bytes.NewReader(data))
	if t, err := dec.Token(); err != nil || t != json.Delim('{') {
		return fmt.Errorf("%w: is not a JSON object", ErrPreset)
	}
	seen := map[string]bool{}
	for dec.More() {
		t, err := dec.Token()
		if err != nil {
			return fmt.Errorf("%w: %w", ErrPreset, err)
		}
		name, _ := t.(string)
		var value json.RawMessage
		if err := dec.Decode(&value); err != nil {
			return fmt.Errorf("%w: field %q: %w", ErrPreset, name, err)
		}
		switch {
		case seen[name]:
			return fmt.Errorf("%w: field %q occurs twice", ErrPreset, name)
		case !slices.Contains(presetFields, name):
			return fmt.Errorf("%w: unknown field %q", ErrPreset, name)
		case string(value) == "null":
			return fmt.Errorf("%w: field %q is null", ErrPreset, name)
		}
		seen[name] = true
	}
	return nil
}

// LoadPreset reads the preset at path, or, if path is a folder, its PresetFile.
func LoadPreset(path string) (Preset, error) {
	if st, err := os.Stat(path); err == nil && st.IsDir() {
		path = filepath.Join(path, PresetFile)
	}
	return readPreset(path)
}

func readPreset(path string) (Preset, error) {
	data, err := readRegular(path, maxPresetBytes)
	if err != nil {
		return Preset{}, fmt.Errorf("preset: %w", err)
	}
	p, err := ParsePreset(data)
	if err != nil {
		return Preset{}, fmt.Errorf("%s: %w", path, err)
	}
	return p, nil
}

// PresetFor returns the preset beside a model, given the model's folder or
// one of its files, and DefaultPreset if there is none. found says which.
func PresetFor(model string) (p Preset, found bool, err error) {
	dir := model
	if st, err := os.Stat(model); err != nil || !st.IsDir() {
		dir = filepath.Dir(model)
	}
	p, err = readPreset(filepath.Join(dir, PresetFile))
	if errors.Is(err, fs.ErrNotExist) {
		return DefaultPreset(), false, nil
	}
	return p, err == nil, err
}
