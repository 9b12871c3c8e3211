package nets

import (
	"fmt"

	"github.com/octet-dnn/octet/model"
)

// MobileNetV1 is MobileNet-V1 1.0 for 224×224 images and 1000 classes (Howard
// et al. 2017, as PaddleCV has it): 27 convolutions, 13 of them depthwise, 0.57
// G multiply-adds an image.
func MobileNetV1(seed uint64) *model.Model {
	b := newBuilder("mobilenet_v1", seed)
	x := b.feed("image", 3, 224, 224)
	x = b.conv(x, "conv1", 3, 32, 3, 2, 1, 1, "relu")
	channels := 32
	for i, s := range []struct{ out, stride int }{
		{64, 1}, {128, 2}, {128, 1}, {256, 2}, {256, 1}, {512, 2},
		{512, 1}, {512, 1}, {512, 1}, {512, 1}, {512, 1}, {1024, 2}, {1024, 1},
	} {
		name := fmt.Sprintf("conv%d", i+2)
		x = b.conv(x, name+"_dw", channels, channels, 3, s.stride, channels, 1, "relu")
		x = b.conv(x, name+"_sep", channels, s.out, 1, 1, 1, 1, "relu")
		channels = s.out
	}
	x = b.pool(x, "avg", 7, 1, 0, true)
	return b.fetch(b.classify(x, channels, 1000))
}
