"""Paddle Inference 2.6 and 3.3 with oneDNN; INT8 where the file's name says so.

An INT8 program of PostTrainingQuantization becomes INT8 layers at load. Both versions take the older intermediate representation:
in 3.3 the newer one has no INT8 route.
"""
import os

os.environ.setdefault("GLOG_minloglevel", "2")
import paddle  # noqa: E402
from paddle import inference  # noqa: E402

import worker  # noqa: E402


class Net:
    def __init__(self, path, x, threads):
        c = inference.Config(path + ".pdmodel", path + ".pdiparams")
        c.disable_gpu()
        c.disable_glog_info()
        c.set_cpu_math_library_num_threads(threads)
        c.enable_memory_optim(True)
        c.enable_mkldnn()
        c.set_mkldnn_cache_capacity(10)
        if paddle.__version__.startswith("3"):
            c.enable_new_ir(False)
            c.enable_new_executor(False)
        if os.path.basename(path) == "int8":
            c.enable_mkldnn_int8()
        self.predictor, self.x = inference.create_predictor(c), paddle.to_tensor(x, place=paddle.CPUPlace())
        self.input = self.predictor.get_input_handle(self.predictor.get_input_names()[0])
        self.output = self.predictor.get_output_handle(self.predictor.get_output_names()[0])

    def run(self):
        self.input.share_external_data(self.x)  # copy_from_cpu would copy it in every run
        self.predictor.run()
        self.y = self.output.copy_to_cpu()

    def answer(self):
        return self.y


if __name__ == "__main__":
    worker.serve(Net, paddle.__version__)
