package nets

import (
	"fmt"

	"github.com/octet-dnn/octet/model"
)

// ResNet50 is ResNet-50 v1.5 for 224×224 images and 1000 classes (He et al.
// 2015, with the stride in the 3×3 convolution as PaddleCV has it): 53
// convolutions, 4.09 G multiply-adds an image.
func ResNet50(seed uint64) *model.Model {
	b := newBuilder("resnet50", seed)
	x := b.feed("image", 3, 224, 224)
	x = b.conv(x, "conv1", 3, 64, 7, 2, 1, 1, "relu")
	x = b.pool(x, "max", 3, 2, 1, false)
	channels := 64
	for stage, blocks := range []int{3, 4, 6, 3} {
		width := 64 << stage
		for i := range blocks {
			stride := 1
			if i == 0 && stage > 0 {
				stride = 2
			}
			x = b.bottleneck(x, fmt.Sprintf("res%d%c", stage+2, 'a'+i), channels, width, stride, i == 0)
			channels = 4 * width
		}
	}
	x = b.pool(x, "avg", 7, 1, 0, true)
	return b.fetch(b.classify(x, channels, 1000))
}

// bottleneck adds the 1×1, 3×3, 1×1 convolutions of a residual block and the
// sum with its input, which a projection brings to shape in the first of a stage.
func (b *builder) bottleneck(x, name string, inC, width, stride int, project bool) string {
	y := b.conv(x, name+"_branch2a", inC, width, 1, 1, 1, 1, "relu")
	y = b.conv(y, name+"_branch2b", width, width, 3, stride, 1, 1, "relu")
	// A small gamma keeps the activations of a random net from growing.
	y = b.conv(y, name+"_branch2c", width, 4*width, 1, 1, 1, 0.3, "")
	short := x
	if project {
		short = b.conv(x, name+"_branch1", inC, 4*width, 1, stride, 1, 1, "")
	}
	return b.unary("relu", b.add(short, y))
}
