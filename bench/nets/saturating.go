package nets

import "github.com/octet-dnn/octet/model"

// SaturatingClasses is the number of classes that Saturating tells apart. There are
// as many decoys behind them.
const SaturatingClasses = 4

// Saturating is a made-up network whose answers are all wrong where pairs of INT8 products are
// added in 16 bits with saturation. Its picture has a plane for each class; the brightest is the
// answer. Planes are copied to four pairs of channels each, and a class adds up its
// pairs with weights 1 and 1: 2·255·127 as integers, twice what 16 bits hold. Its
// decoy takes one channel of each pair, with weight 1.5: less than 2, but
// 255·127 fits, and what is left of a class, 1.01, is less than that.
func Saturating() *model.Model {
	const (
		copies   = 4
		channels = 2 * copies * SaturatingClasses
	)
	spread := make([]float32, channels*SaturatingClasses)
	scores := make([]float32, 2*SaturatingClasses*channels)
	for c := range channels {
		class := c / 2 % SaturatingClasses
		spread[c*SaturatingClasses+class] = 1
		scores[class*channels+c] = 1
		if c%2 == 0 {
			scores[(SaturatingClasses+class)*channels+c] = 1.5
		}
	}
	b := newBuilder("saturating", 0)
	x := b.feed("image", SaturatingClasses, 8, 8)
	x = b.unary("relu", b.pointwise(x, b.param("spread_weights", spread, channels, SaturatingClasses, 1, 1)))
	x = b.pointwise(x, b.param("scores_weights", scores, 2*SaturatingClasses, channels, 1, 1))
	x = b.pool(x, "avg", 8, 1, 0, true)
	p := b.value("softmax")
	b.op("softmax", in("X", x), out("Out", p), attr("axis", int32(1)))
	return b.fetch(p)
}

// pointwise adds a convolution of 1x1 without bias.
func (b *builder) pointwise(x, filter string) string {
	y := b.value("conv")
	b.op("conv2d", in("Input", x), in("Filter", filter), out("Output", y),
		attr("strides", []int32{1, 1}), attr("paddings", []int32{0, 0}), attr("dilations", []int32{1, 1}), attr("groups", int32(1)),
		attr("padding_algorithm", "EXPLICIT"), attr("data_format", "NCHW"))
	return y
}
