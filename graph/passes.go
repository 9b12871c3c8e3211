package graph

import "fmt"

// A pass rewrites a graph into one that computes the same.
type pass struct {
	name string
	run  func(*rewriter) error
}

// passes run once each, in this order. Earlier ones bring a graph into the form
// that later ones look for: constants become plain vectors before they are
// taken as biases, biases are folded before the batch normalisation behind
// them, activations join the sum that the residual pass then takes over whole.
var passes = []pass{
	{"fold constants", foldConstants},
	{"remove identities", removeIdentities},
	{"cancel transpositions", cancelTransposes},
	{"signs of quantised tensors", resolveQDQ},
	{"relus of what is never negative", needlessRelus},
	{"local response normalisation", fuseLRN},
	{"pad without unsqueeze", flattenPads},
	{"channel shuffle", fuseShuffle},
	{"averages of maps", poolMeans},
	{"merge scales", mergeScales},
	{"integer weights", takeIntegers},
	{"fully connected layers", makeFC},
	{"fold scales into weights", foldScales},
	{"bias", fuseBias},
	{"fold batch normalisation", foldBatchNorm},
	{"activation", fuseActivation},
	{"residual sum", fuseResidual},
	{"conversions", squash},
	{"dead code", removeDead},
	{"convolutions of one window", convsAsProducts},
}

// Optimize rewrites g in place into its fused form: convolutions and fully
// connected layers with their bias, batch normalisation, residual sum and
// activation inside. A fused intermediate has one consumer and is not fetched.
// INT8 layers keep their arithmetic to the bit.
//
// Optimize fails with an UnsupportedError if a layer is left that only exists
// as a part of a pattern.
func Optimize(g *Graph) error {
	for _, p := range passes {
		r := newRewriter(g)
		if err := p.run(r); err != nil {
			return fmt.Errorf("pass %q: %w", p.name, err)
		}
		r.finish()
	}
	unknown := make(map[string]int)
	for _, l := range g.Layers {
		if _, ok := l.Op.(*channelAvg); ok {
			unknown[l.Op.Kind()]++
		}
	}
	if len(unknown) > 0 {
		return &UnsupportedError{Counts: unknown}
	}
	return nil
}
