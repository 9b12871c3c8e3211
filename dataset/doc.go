// Package dataset reads labelled pictures and turns them into the input of a
// classifier: image lists in the layout of ILSVRC2012, image folders and npy
// arrays; JPEG and PNG decoding; resizing, cropping and normalising as a [Preset]
// says; and a [Loader] that prefetches batches on several goroutines.
//
// Pixels are exactly those of a Pillow pipeline: JPEG decoding follows
// libjpeg-turbo and the resampling filters follow Pillow's fixed-point
// arithmetic (that of Pillow 3.4 to 12; see [Image.Resize]), byte for byte, so
// that accuracy and calibration thresholds can be compared with Python programs.
//
//	list, err := dataset.Open("data/ILSVRC2012", "val_list.txt", dataset.ListOptions{Classes: 1000})
//	loader, err := dataset.NewLoader(list, dataset.DefaultPreset(), dataset.LoaderOptions{Batch: 32})
//	for batch, err := range loader.Batches(ctx) {
//		if err != nil {
//			return err
//		}
//		use(batch.Images, batch.Labels)
//		batch.Release()
//	}
//
// The package is pure Go. A [List] and a [Loader] may be used by several
// goroutines, a [Preprocessor] by one at a time.
package dataset
