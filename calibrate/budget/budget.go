package budget

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/octet-dnn/octet/calibrate"
	"github.com/octet-dnn/octet/graph"
	"github.com/octet-dnn/octet/model"
)

// A Job is a search and all it needs. One goroutine at a time may use it.
type Job struct {
	// Graph is the FP32 network, and Layers are those of it that may be INT8, in order:
	// Calibrator.Layers.
	Graph  *graph.Graph
	Layers []string
	// Quantize returns the INT8 network with some of the Layers left in FP32:
	// Calibrator.LeaveFP32 and INT8Graph.
	Quantize func(fp32 []string) (*graph.Graph, error)
	// Runner runs parts of both networks: infer.NewRunner.
	Runner calibrate.NewRunner
	// Probes are the inputs of the network for a batch of images, labels too where
	// it is fed such, on which sensitivities are measured: the first 64 at most,
	// fewer where their activations need more than 256 MiB.
	Probes []*model.Tensor
	// Price measures an INT8 network beside the one with all Layers in INT8.
	Price func(ctx context.Context, g *graph.Graph) (Price, error)
	// Evaluate compares an INT8 network with FP32 on all pictures.
	Evaluate func(ctx context.Context, g *graph.Graph) (Verdict, error)
	Limits   Limits
	// State holds what is known already and takes what is found. Changed, which
	// may be nil, is called after each change, to save it.
	State   *State
	Changed func(*State) error
	// Progress, which may be nil, is told of stages with a known number of steps. What
	// it returns is called after each step, and with true at the end.
	Progress func(what string, steps int) func(end bool)
}

// A Price is what a network costs: one stream's time for an image.
type Price struct {
	// Base is the time of the network with all layers in INT8.
	Base time.Duration `json:"base_ns"`
	// Extra is what the other network takes beyond it.
	Extra time.Duration `json:"extra_ns"`
	// OtherLoad is how many CPUs other processes kept busy meanwhile, -1 if
	// that is not known. Beside much of it prices mean little.
	OtherLoad float64 `json:"other_load"`
}

// A Layer is what is known of a layer that is left in FP32.
type Layer struct {
	Name string `json:"name"`
	// Sensitivity is the mean divergence that this layer alone causes in INT8, in nats.
	Sensitivity float64 `json:"sensitivity"`
	// Extra is the price of this layer alone in FP32.
	Extra time.Duration `json:"extra_ns"`
}

// A Result is the answer.
type Result struct {
	Limits Limits `json:"limits"`
	// Layers are those to leave in FP32, in the order of the network, of so many.
	Layers []Layer `json:"fp32_layers"`
	Of     int     `json:"of"`
	// All is the verdict on the network with all layers in INT8, Verdict the one on the answer.
	All     Verdict `json:"all_int8"`
	Verdict Verdict `json:"verdict"`
	// Price is that of the answer as a whole, measured.
	Price Price `json:"price"`
	// OtherLoad is the median of that while layers were measured, 0 if none were.
	OtherLoad float64 `json:"other_load"`
	// Evaluations counts the networks that were evaluated on all pictures.
	Evaluations int `json:"evaluations"`
	// Met is false where no set kept the limits: Layers then is the set that came nearest.
	Met bool `json:"met"`
}

// Names returns the names of the layers.
func (r *Result) Names() []string {
	names := []string{}
	for _, l := range r.Layers {
		names = append(names, l.Name)
	}
	return names
}

// Find returns the cheapest set of layers that keeps the limits of those that it
// evaluated; no set that it evaluated and that keeps them is part of it. Where none
// keeps them the error is ErrNotReached and the Result holds the nearest.
func Find(ctx context.Context, j *Job) (*Result, error) {
	if err := j.check(); err != nil {
		return nil, fmt.Errorf("accuracy budget: %w", err)
	}
	r, err := j.find(ctx)
	if err != nil {
		return r, fmt.Errorf("accuracy budget: %w", err)
	}
	return r, nil
}

func (j *Job) check() error {
	if err := j.Limits.Check(); err != nil {
		return err
	}
	if len(j.Probes) == 0 || len(j.Probes) != len(j.Graph.Inputs) {
		return fmt.Errorf("%d inputs to measure with, the network has %d: %w", len(j.Probes), len(j.Graph.Inputs), graph.ErrShape)
	}
	if j.State == nil {
		j.State = NewState(Keys{})
	}
	return nil
}

func (j *Job) find(ctx context.Context) (*Result, error) {
	whole := []string{}
	v, err := j.evaluate(ctx, whole)
	if err != nil {
		return nil, err
	}
	if j.Limits.Met(v) { // nothing is cheaper
		return j.result(ctx, whole)
	}
	if err := j.sensitivities(ctx); err != nil {
		return nil, err
	}
	if err := j.prices(ctx); err != nil {
		return nil, err
	}
	set, err := j.search(ctx)
	if err != nil {
		return nil, err
	}
	met := set != nil
	if !met {
		set = j.nearest()
	}
	r, err := j.result(ctx, set)
	if err == nil && !met {
		err = ErrNotReached
	}
	return r, err
}

// result sums up what is known of a set, and measures its price.
func (j *Job) result(ctx context.Context, set []string) (*Result, error) {
	p, err := j.price(ctx, set)
	if err != nil {
		return nil, err
	}
	r := &Result{Limits: j.Limits, Of: len(j.Layers), Price: p, Evaluations: len(j.State.Evaluations), Layers: []Layer{}}
	r.All, _ = j.State.verdict([]string{})
	r.Verdict, _ = j.State.verdict(set)
	r.Met, r.OtherLoad = j.Limits.Met(r.Verdict), j.otherLoad()
	for _, l := range set {
		alone, _ := j.State.price([]string{l})
		r.Layers = append(r.Layers, Layer{l, j.State.Sensitivities[l], alone.Extra})
	}
	j.State.Result = r
	return r, j.changed()
}

// evaluate returns the verdict on a set, known or new.
func (j *Job) evaluate(ctx context.Context, set []string) (Verdict, error) {
	if v, known := j.State.verdict(set); known {
		return v, nil
	}
	g, err := j.Quantize(set)
	if err != nil {
		return Verdict{}, err
	}
	v, err := j.Evaluate(ctx, g)
	if err != nil {
		return v, err
	}
	j.State.Evaluations = append(j.State.Evaluations, Evaluated{slices.Clone(set), v})
	return v, j.changed()
}

// price returns the price of a set, known or new.
func (j *Job) price(ctx context.Context, set []string) (Price, error) {
	if p, known := j.State.price(set); known {
		return p, nil
	}
	g, err := j.Quantize(set)
	if err != nil {
		return Price{}, err
	}
	p, err := j.Price(ctx, g)
	if err != nil {
		return p, err
	}
	j.State.Prices = append(j.State.Prices, Priced{slices.Clone(set), p})
	return p, j.changed()
}

// prices measures each layer.
func (j *Job) prices(ctx context.Context) error {
	unknown := slices.DeleteFunc(slices.Clone(j.Layers), func(l string) bool { _, known := j.State.price([]string{l}); return known })
	if len(unknown) == 0 {
		return nil
	}
	step := j.begin("price", len(unknown))
	defer step(true)
	for _, l := range unknown {
		if _, err := j.price(ctx, []string{l}); err != nil {
			return fmt.Errorf("price of layer %q: %w", l, err)
		}
		step(false)
	}
	return nil
}

// otherLoad returns the median of the load while the layers were measured.
func (j *Job) otherLoad() float64 {
	var loads []float64
	for _, l := range j.Layers {
		if p, known := j.State.price([]string{l}); known {
			loads = append(loads, p.OtherLoad)
		}
	}
	if loads == nil {
		return 0
	}
	slices.Sort(loads)
	return loads[len(loads)/2]
}

// begin tells of a stage.
func (j *Job) begin(what string, steps int) func(end bool) {
	if j.Progress == nil {
		return func(bool) {}
	}
	return j.Progress(what, steps)
}

// changed saves the state.
func (j *Job) changed() error {
	if j.Changed == nil {
		return nil
	}
	return j.Changed(j.State)
}
