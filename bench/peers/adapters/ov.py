"""OpenVINO with the latency hint (one request at a time) or the throughput hint (as many in flight as it asks for).

On CPUs with bf16 it would compute FP32 models in bf16 unless told otherwise. The input is shared, not copied.
"""
import os
import time

import openvino as ov

import worker


def compiled(path, x, threads, hint):
    core = ov.Core()
    m = core.read_model(path)
    m.reshape({m.inputs[0].any_name: list(x.shape)})
    return core.compile_model(m, "CPU", {
        "PERFORMANCE_HINT": hint, "INFERENCE_PRECISION_HINT": "f32", "INFERENCE_NUM_THREADS": threads})


class Latency:
    def __init__(self, path, x, threads):
        self.x = x  # the tensor below does not keep it
        self.request = compiled(path, x, threads, "LATENCY").create_infer_request()
        self.request.set_input_tensor(0, ov.Tensor(x, shared_memory=True))

    def run(self):
        self.request.start_async()
        self.request.wait()

    def answer(self):
        return self.request.get_output_tensor(0).data


class Throughput:
    def __init__(self, path, x, threads):
        self.x = x
        net = compiled(path, x, threads, "THROUGHPUT")
        self.queue = ov.AsyncInferQueue(net, int(net.get_property("OPTIMAL_NUMBER_OF_INFER_REQUESTS")))
        for request in self.queue:
            request.set_input_tensor(0, ov.Tensor(x, shared_memory=True))
        self.took = []
        self.queue.set_callback(lambda request, start: self.took.append(time.perf_counter() - start))

    def run(self):
        self.queue.start_async(userdata=time.perf_counter())
        self.queue.wait_all()

    def answer(self):
        return self.queue[0].get_output_tensor(0).data

    def window(self, seconds, warm):
        """All requests are in flight from the first to the last moment that counts, as near as that can be had."""
        if warm > 0:
            self.flood(warm)
        self.took.clear()
        took = self.flood(seconds)
        return list(self.took), took

    def flood(self, seconds):
        begin = time.perf_counter()
        while True:
            for _ in range(len(self.queue)):
                self.queue.start_async(userdata=time.perf_counter())
            if time.perf_counter() - begin >= seconds:
                break
        self.queue.wait_all()
        return time.perf_counter() - begin


if __name__ == "__main__":
    hint = os.environ["OPENVINO_HINT"]
    worker.serve({"latency": Latency, "throughput": Throughput}[hint], ov.__version__.split("-")[0])
