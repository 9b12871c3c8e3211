package bench

import (
	"context"
	"fmt"
	"time"

	"github.com/octet-dnn/octet/infer"
	"github.com/octet-dnn/octet/model"
)

// profileBatch is enough pictures for streams to take as many at once as they like, on
// up to eight CPUs; with more CPUs fewer of them work side by side.
const profileBatch = 64

// ProfileBoth measures the layers of a network in both precisions, which take
// turns, on random pictures, each for minTime. The times are medians. Load is how many CPUs other
// processes kept busy meanwhile, -1 if unknown.
func ProfileBoth(ctx context.Context, fp32, int8 *infer.Predictor, minTime time.Duration) (profiles [2]*infer.Profile, load float64, err error) {
	var bursted [2][]*infer.Profile
	var in [2][]*model.Tensor
	var runs [2]int
	nets := [2]*infer.Predictor{fp32, int8}
	for i, net := range nets {
		if in[i], err = Inputs(net.Inputs(), min(profileBatch, 8*infer.CPULimit())); err != nil {
			return profiles, 0, fmt.Errorf("bench: profile: %w", err)
		}
		first, err := net.Profile(ctx, in[i], 1)
		if err != nil {
			return profiles, 0, fmt.Errorf("bench: profile: %w", err)
		}
		took, _ := first.Total()
		runs[i] = max(1, int(minTime/bursts/max(took, 1)))
	}
	watch := StartLoad()
	for range bursts {
		for i, net := range nets {
			p, err := net.Profile(ctx, in[i], runs[i])
			if err != nil {
				return profiles, 0, fmt.Errorf("bench: profile: %w", err)
			}
			bursted[i] = append(bursted[i], p)
		}
	}
	load = watch.Stop()
	for i, all := range bursted {
		profiles[i] = medians(all)
	}
	return profiles, load, nil
}

// medians returns the first of several profiles of one plan with the median of
// each layer's times.
func medians(profiles []*infer.Profile) *infer.Profile {
	p := profiles[0]
	for i := range p.Layers {
		times := make([]float64, len(profiles))
		for j, other := range profiles {
			times[j] = float64(other.Layers[i].Time)
		}
		p.Layers[i].Time = time.Duration(Spread(times).Median)
	}
	return p
}
