package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"runtime"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/octet-dnn/octet/calibrate"
	"github.com/octet-dnn/octet/dnnl"
	"github.com/octet-dnn/octet/graph"
	"github.com/octet-dnn/octet/infer"
	"github.com/octet-dnn/octet/model"
)

// A diagnosis is what doctor finds out.
type diagnosis struct {
	OneDNN      string   `json:"onednn"`
	ISA         string   `json:"isa"`
	VNNI        bool     `json:"vnni"`
	INT8        string   `json:"int8"` // what to expect
	CPUs        int      `json:"cpus"` // of the machine
	Limit       int      `json:"cpu_limit"`
	Environment []string `json:"environment"`
	FP32Check   string   `json:"fp32_check"` // "ok" or what is wrong
	INT8Check   string   `json:"int8_check"`
	Usable      bool     `json:"usable"`
}

func doctorCmd(a *app) *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:   "doctor",
		Short: "what this machine and its oneDNN can do",
		Args:  args(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error {
			d := diagnose(c.Context())
			if asJSON {
				if err := a.out.json(d); err != nil {
					return err
				}
			} else {
				a.writeDiagnosis(d)
			}
			if !d.Usable {
				return environmentError{errors.New("oneDNN does not work here; see the failed checks")}
			}
			return nil
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print one JSON object")
	return c
}

func diagnose(ctx context.Context) diagnosis {
	isa := dnnl.EffectiveCPUISA()
	d := diagnosis{
		OneDNN: dnnl.LibraryVersion().String(), ISA: isa.String(), VNNI: isa.HasVNNI(), INT8: expectation(isa),
		CPUs: machineCPUs(), Limit: infer.CPULimit(), Environment: oneDNNEnvironment(os.Environ()),
	}
	fp32, int8 := selfCheck(ctx)
	d.FP32Check, d.INT8Check, d.Usable = verdict(fp32), verdict(int8), fp32 == nil && int8 == nil
	return d
}

func verdict(err error) string {
	if err != nil {
		return err.Error()
	}
	return "ok"
}

// expectation says what INT8 brings. The factors are those of ResNet-50.
func expectation(isa dnnl.ISA) string {
	switch {
	case isa.HasVNNI():
		return "3 to 4 times as fast as FP32"
	case isa >= dnnl.ISAAVX2:
		return "1.3 to 2 times as fast as FP32; sums of two products saturate at 16 bits"
	}
	return "slower than FP32: no AVX2"
}

// machineCPUs counts the CPUs that are online, whoever may use them.
func machineCPUs() int {
	text, err := os.ReadFile("/proc/cpuinfo")
	if n := strings.Count("\n"+string(text), "\nprocessor"); err == nil && n > 0 {
		return n
	}
	return runtime.NumCPU()
}

// oneDNNEnvironment returns the settings of OpenMP and oneDNN.
func oneDNNEnvironment(environ []string) []string {
	found := []string{}
	for _, kv := range environ {
		for _, prefix := range []string{"OMP_", "GOMP_", "KMP_", "ONEDNN_", "DNNL_", "GOMAXPROCS=", "LD_LIBRARY_PATH="} {
			if strings.HasPrefix(kv, prefix) {
				found = append(found, kv)
			}
		}
	}
	slices.Sort(found)
	return found
}

func (a *app) writeDiagnosis(d diagnosis) {
	yes := map[bool]string{true: "yes", false: "no"}
	fmt.Fprintf(a.out, "oneDNN        %s\n", d.OneDNN)
	fmt.Fprintf(a.out, "instructions  %s\n", d.ISA)
	fmt.Fprintf(a.out, "VNNI          %s\n", yes[d.VNNI])
	fmt.Fprintf(a.out, "INT8          %s\n", d.INT8)
	fmt.Fprintf(a.out, "CPUs          %d, of which Octet uses %d\n", d.CPUs, d.Limit)
	if d.Limit < d.CPUs {
		fmt.Fprintf(a.out, "              (the affinity or a control group's quota limits it)\n")
	}
	for i, kv := range d.Environment {
		fmt.Fprintf(a.out, "%-12s  %s\n", map[bool]string{true: "environment"}[i == 0], kv)
	}
	fmt.Fprintf(a.out, "FP32 check    %s\n", d.FP32Check)
	fmt.Fprintf(a.out, "INT8 check    %s\n", d.INT8Check)
}

// selfCheck runs two convolutions with known results, in FP32 and in INT8.
func selfCheck(ctx context.Context) (fp32, int8 error) {
	m, in, want, err := checkModel()
	if err != nil {
		return err, err
	}
	// Small integers: the sums are exact in any order.
	fp32 = runCheck(ctx, m, in, want, 0)
	q, err := quantizeCheck(ctx, m, in)
	if err != nil {
		return fp32, err
	}
	// The first convolution stays FP32. The second rounds its two inputs, at most
	// 50, to 255 levels, which its weights 2 and 1 multiply, and the weights to
	// 127 levels: 2 exactly, 1 by half a level at most.
	return fp32, runCheck(ctx, q, in, want, (2+1)*0.5*50/255+50*0.5*2/127)
}

func runCheck(ctx context.Context, m *model.Model, in *model.Tensor, want []float32, tolerance float64) (err error) {
	p, err := infer.NewPredictor(m, infer.Options{})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, p.Close()) }()
	out, err := p.Run(ctx, []*model.Tensor{in})
	if err != nil {
		return err
	}
	got := out[0].Float32s()
	if len(got) != len(want) {
		return fmt.Errorf("a convolution gave %d numbers, want %d", len(got), len(want))
	}
	for i := range want {
		if !(math.Abs(float64(got[i]-want[i])) <= tolerance) {
			return fmt.Errorf("a convolution gave %v at %d, want %v", got[i], i, want[i])
		}
	}
	return nil
}

func quantizeCheck(ctx context.Context, m *model.Model, in *model.Tensor) (q *model.Model, err error) {
	c, err := calibrate.New(m, calibrate.Options{Runner: infer.NewRunner})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, c.Close()) }()
	if _, err := c.Sample(ctx, []*model.Tensor{in}); err != nil {
		return nil, err
	}
	g, err := c.INT8Graph()
	if err != nil {
		return nil, err
	}
	return graph.ToModel(g, graph.FormFused)
}
