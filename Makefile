# `make help` lists the targets. The proofs exit non-zero when they fall short and print their figure last.

GO ?= go
TESTFLAGS ?=
# Tests of the real models that make accuracy leaves out.
ACCURACY_SKIP ?= TestRealModelsQuality|TestRealModelsBudget
VENVS = $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/octet/peers/venvs
SCREENSHOTS = $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/octet/report
STATICCHECK = honnef.co/go/tools/cmd/staticcheck@v0.8.2

.DEFAULT_GOAL := help
.PHONY: help setup demo test race lint format conformance accuracy quality report budget unchanged saturation qdq onnx netron fixtures thirdparty zoo resume calibration-cost bench ratios efficiency load overhead crowd busy modes peers coldstart memory hog setup-test consumer clean-room docker

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-16s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: ## get oneDNN: the system's, or the pinned one (seconds; a second time nothing)
	@third_party/setup.sh

demo: setup ## calibrate, save, reload and evaluate the models that ship with Octet; both tables
	$(GO) run ./cmd/octet demo

test: setup format ## gofmt, vet and all tests but those of the real models (make accuracy)
	$(GO) vet ./...
	$(GO) test -timeout 20m -skip '^TestRealModels' $(TESTFLAGS) ./...

race: setup ## all tests under the race detector
	$(GO) test -race -timeout 60m -skip '^TestRealModels' $(TESTFLAGS) ./...

format:
	@unformatted=$$(gofmt -l .); test -z "$$unformatted" || { echo "run gofmt -w on:" $$unformatted; exit 1; }

lint: setup format ## gofmt, vet and staticcheck
	$(GO) vet ./...
	$(GO) run $(STATICCHECK) ./...

conformance: setup ## every primitive, and Octet's own kernels, against the scalar reference
	.ci/summary conformance $(GO) test -count=1 -v ./internal/conformance/...

accuracy: setup ## top-1 and top-5 of the real models against Paddle's (needs OCTET_SHARED or ../shared)
	.ci/summary accuracy $(GO) test -count=1 -run TestRealModels -skip '$(ACCURACY_SKIP)' -timeout 60m -v ./internal/accept/...

quality: setup ## every algorithm on the real models: top-1, top-5, agreement with FP32, divergence, time; the default choice against its lines, its speed beside max (needs the same)
	.ci/summary quality $(GO) test -count=1 -run TestRealModelsQuality -timeout 60m -v ./internal/accept/...

budget: setup ## the fewest milliseconds of FP32 layers that keep a promised accuracy of the real models (needs the same)
	.ci/summary budget $(GO) test -count=1 -run '^TestRealModelsBudget$$' -timeout 60m -v ./internal/accept/...

unchanged: setup ## the real models' answers, to the byte, against those of the first whole Octet (needs the same)
	.ci/summary unchanged $(GO) test -count=1 -run TestRealModelsUnchanged -timeout 60m -v ./internal/accept/...

onnx: setup ## models and operators written as ONNX, in ONNX Runtime: top-1 beside Octet's INT8 (needs OCTET_SHARED or ../shared; makes its Python environment)
	@bench/peers/setup.sh $(VENVS) ort
	OCTET_REQUIRE=1 OCTET_ORT=$${OCTET_ORT:-$(VENVS)/ort/bin/python} .ci/summary onnx $(GO) test -count=1 -run '^TestONNX' -timeout 60m -v ./internal/accept/...

netron: setup ## everything that is written, opened with Netron's own readers (needs node; makes its Python environment)
	@bench/peers/setup.sh $(VENVS) netron
	OCTET_REQUIRE=1 OCTET_NETRON=$${OCTET_NETRON:-$$(echo $(VENVS)/netron/lib/python*/site-packages/netron)} .ci/summary netron $(GO) test -count=1 -run '^TestNetron$$' -v ./internal/accept/...

fixtures: setup ## every program of the fixtures that real Paddle wrote, against its outputs: the table (needs OCTET_SHARED or ../shared)
	OCTET_REQUIRE=1 .ci/summary fixtures $(GO) test -count=1 -run '^TestFixtures$$' -v ./internal/accept/...

thirdparty: setup ## models that others published, against Paddle's outputs (needs the same)
	OCTET_REQUIRE=1 .ci/summary thirdparty $(GO) test -count=1 -run '^TestThirdParty$$' -v ./internal/accept/...

report: setup ## octet report in a headless Chromium without network: rows, sorting, requests, errors; screenshots (needs chromium and OCTET_SHARED or ../shared)
	OCTET_REQUIRE=1 OCTET_SCREENSHOTS=$${OCTET_SCREENSHOTS:-$(SCREENSHOTS)} .ci/summary report $(GO) test -count=1 -run '^(TestSees|TestBrowser.*|TestRealModelsReport)$$' -timeout 30m -v ./internal/browser ./report ./cmd/octet

saturation: setup ## protected real models give the same to the byte without VNNI as with it; what that costs (needs the same); a made-up net that is wrong unprotected
	.ci/summary saturation $(GO) test -count=1 -run '^(TestRealModelsSaturation|TestSaturatingNet)$$' -timeout 30m -v ./internal/accept/...

zoo: setup ## networks of every family, made by real Paddle 2.6 and 3.3: FP32 and INT8 programs in Octet and in Paddle: the table (some: PADDLE=paddle26 NETWORK='resnet50|vgg11')
	@bench/peers/setup.sh $(VENVS) paddle26 paddle33
	OCTET_ZOO=1 .ci/summary zoo $(GO) test -count=1 -run '^TestZoo$$/^($(or $(PADDLE),.*))$$/^($(or $(NETWORK),.*))$$' -timeout 120m -v ./internal/zoo

resume: setup ## calibrations killed at 100 random moments and resumed: the bytes of uninterrupted ones
	OCTET_KILLS=$${OCTET_KILLS:-100} .ci/summary resume $(GO) test -count=1 -run '^TestResume$$' -timeout 30m -v ./cmd/octet

calibration-cost: setup ## calibrating against FP32 inference, all KL thresholds, memory after 50 and 5000 pictures (real networks with OCTET_SHARED or ../shared)
	$(GO) run ./bench/calibration

bench: setup ## throughput in FP32 and INT8, every layer, the overhead of a run, the matmul rate
	$(GO) test -run '^$$' -bench . -timeout 60m ./bench

qdq: setup ## INT8 files of the qdq and fused forms in Octet and in real Paddle 2.6 and 3.3 (needs OCTET_SHARED or ../shared; makes their Python environments)
	@bench/peers/setup.sh $(VENVS) paddle26 paddle33
	OCTET_REQUIRE=1 OCTET_PADDLE26=$${OCTET_PADDLE26:-$(VENVS)/paddle26/bin/python} OCTET_PADDLE33=$${OCTET_PADDLE33:-$(VENVS)/paddle33/bin/python} \
		.ci/summary qdq $(GO) test -count=1 -run '^(TestPaddleFaults|TestFusedInPaddle|TestQDQ)$$' -timeout 30m -v ./internal/accept/...

ratios: setup ## INT8 over FP32 throughput, against the promised ratios
	$(GO) run ./bench/ratios

efficiency: setup ## INT8 throughput, against the share of the matmul rate that is promised
	$(GO) run ./bench/efficiency

load: setup ## loading ResNet-50 in every encoding: time and peak memory
	$(GO) run ./bench/loading

overhead: setup ## what a run costs beyond its primitives
	$(GO) run ./bench/overhead

crowd: setup ## 64 goroutines asking at once: throughput, fairness, OS threads
	$(GO) run ./bench/crowd

peers: setup ## Octet beside Paddle, ONNX Runtime and OpenVINO, in turns: every cell, memory, load to first answer
	@bench/peers/setup.sh
	$(GO) run ./bench/peers -tune

coldstart: setup ## load of INT8 models to the first answer, fresh processes of Octet and the peers in turns
	@bench/peers/setup.sh
	$(GO) run ./bench/peers -coldstart -loads 9

memory: setup ## resident memory of INT8 at batch 512, beside the peers
	@bench/peers/setup.sh
	$(GO) run ./bench/peers -memory

busy: setup ## beside a process that keeps a CPU busy: latency, throughput
	$(GO) run ./bench/busy

modes: setup ## small batches: what infer.Auto chooses against the fixed modes
	$(GO) run ./bench/modes

hog: setup ## Octet and the others beside a process that keeps a CPU busy
	@bench/peers/setup.sh
	$(GO) run ./bench/peers -hog

setup-test: ## the promises of the set-up script: idempotent, offline, checked, clear when it cannot
	third_party/setup_test.sh

consumer: setup ## a second module that imports Octet: by replace, and by a module proxy on disk
	.ci/consumer/run

clean-room: ## make demo and make test as a plain user in a fresh Debian 12 root (needs root and mmdebstrap)
	.ci/clean-room

docker: ## build the image and run the demo in it (starts a private daemon when none is reachable)
	.ci/docker
