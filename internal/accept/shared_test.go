package accept

import (
	"testing"

	"github.com/octet-dnn/octet/internal/refdata"

	"github.com/octet-dnn/octet/dataset"
	"github.com/octet-dnn/octet/model"
)

// A net is one of the real models, with what is known of it.
type net struct {
	name   string
	preset dataset.Preset
	// top1 and top5 are the pictures of 780 that Paddle 2.6.2 gets right in
	// FP32 (realmodels/ACCURACY.md).
	top1, top5 int
	// least is the number of pictures that INT8 must get right: for ResNet-50
	// what the seed's drop of half a point leaves, for MobileNet-V1 what the best
	// of the peers keeps (realmodels/ACCURACY.md, openvino_default).
	least int
}

var nets = []net{
	{"resnet50", dataset.DefaultPreset(), 607, 738, 604},
	{"mobilenet_v1_x0_75", dataset.MobileNetPreset(), 605, 743, 595},
}

func (n net) load(t testing.TB) *model.Model {
	t.Helper()
	m, err := model.Load(refdata.Path(t, "realmodels", n.name, "fluid"))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// pictures opens a list of the shared ImageNet excerpt.
func pictures(t testing.TB, list string) *dataset.List {
	t.Helper()
	l, err := dataset.Open(refdata.Path(t, "imagenet", "ILSVRC2012"), list, dataset.ListOptions{Classes: 1000})
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func loader(t testing.TB, l *dataset.List, p dataset.Preset, batch int) *dataset.Loader {
	t.Helper()
	d, err := dataset.NewLoader(l, p, dataset.LoaderOptions{Batch: batch})
	if err != nil {
		t.Fatal(err)
	}
	return d
}
