package budget

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
)

// stateFormat is the first thing in a state.
const stateFormat = "octet budget 1"

// Keys say what the parts of a State were found with. A part found with
// something else does not count.
type Keys struct {
	// Model stands for the INT8 model: the FP32 model, table, options, and the probes.
	Model string `json:"model"`
	// Machine stands for what the prices depend on beside the model.
	Machine string `json:"machine"`
	// Pictures stands for those of the evaluation, and what FP32 says about them.
	Pictures string `json:"pictures"`
}

// A State is what a search has found so far.
type State struct {
	Format        string             `json:"format"`
	Keys          Keys               `json:"keys"`
	Sensitivities map[string]float64 `json:"sensitivities"` // by layer
	Prices        []Priced           `json:"prices"`
	Evaluations   []Evaluated        `json:"evaluations"`
	// Result is the answer, nil before the end of the search.
	Result *Result `json:"result,omitempty"`
}

// A Priced is a measured set of layers left in FP32, in the order of the network.
type Priced struct {
	FP32 []string `json:"fp32"`
	Price
}

// An Evaluated is a set of layers left in FP32, in the order of the network,
// and what comes of it.
type Evaluated struct {
	FP32 []string `json:"fp32"`
	Verdict
}

// NewState returns a State without findings.
func NewState(k Keys) *State {
	return &State{Format: stateFormat, Keys: k, Sensitivities: map[string]float64{}}
}

// For returns a State with those findings of s that hold for k.
func (s *State) For(k Keys) *State {
	n := NewState(k)
	if s == nil || s.Keys.Model != k.Model {
		return n
	}
	n.Sensitivities = s.Sensitivities
	if s.Keys.Machine == k.Machine {
		n.Prices = s.Prices
	}
	if s.Keys.Pictures == k.Pictures {
		n.Evaluations = s.Evaluations
	}
	return n
}

// WriteTo writes the state as JSON, numbers exact.
func (s *State) WriteTo(w io.Writer) (int64, error) {
	text, err := json.MarshalIndent(s, "", " ")
	if err != nil {
		return 0, err
	}
	n, err := w.Write(append(text, '\n'))
	return int64(n), err
}

// ParseState reads what WriteTo wrote; ErrState if it is anything else.
func ParseState(text []byte) (*State, error) {
	s := &State{}
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(s); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrState, err)
	}
	if s.Format != stateFormat {
		return nil, fmt.Errorf("format %q: want %q: %w", s.Format, stateFormat, ErrState)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("more behind the end: %w", ErrState)
	}
	if s.Sensitivities == nil {
		s.Sensitivities = map[string]float64{}
	}
	for l, kl := range s.Sensitivities {
		if kl < 0 || math.IsNaN(kl) {
			return nil, fmt.Errorf("sensitivity %v of layer %q: %w", kl, l, ErrState)
		}
	}
	for _, p := range s.Prices {
		if p.Base <= 0 {
			return nil, fmt.Errorf("price %v of %q: %w", p.Base, p.FP32, ErrState)
		}
	}
	for _, e := range s.Evaluations {
		if e.Images <= 0 || e.Agree < 0 || e.Agree > e.Images {
			return nil, fmt.Errorf("evaluation of %q: %d of %d agree: %w", e.FP32, e.Agree, e.Images, ErrState)
		}
	}
	return s, nil
}

func (s *State) knowsAll(layers []string) bool {
	return !slices.ContainsFunc(layers, func(l string) bool { _, ok := s.Sensitivities[l]; return !ok })
}

// price returns the price of a set, if it is known.
func (s *State) price(set []string) (Price, bool) {
	for _, p := range s.Prices {
		if slices.Equal(p.FP32, set) {
			return p.Price, true
		}
	}
	return Price{}, false
}

// verdict returns the verdict on a set, if it is known.
func (s *State) verdict(set []string) (Verdict, bool) {
	for _, e := range s.Evaluations {
		if slices.Equal(e.FP32, set) {
			return e.Verdict, true
		}
	}
	return Verdict{}, false
}
