//===- linear_bench.cpp - linears against the limits of the machine -------===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
// linear_bench [FORMAT [ACTIVATION|f32 [M N K]]]: one kern.linear on one core. With many rows, the share of the int8
// dot peak that a bare loop reaches in the same process (of the f32 fma peak for f32 activations); with one, GB/s of
// the packed weights against a plain read of the same memory. AVX-512 machines only.
//
//===----------------------------------------------------------------------===//

#include "bench/limits.h"
#include "test/unit/Lower/KernelJit.h"

#include "mlir/AsmParser/AsmParser.h"

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <random>

using namespace mlir;
using namespace sinter;
using namespace sinter::test;
using namespace sinter::bench;

/// Seconds of this thread's own time, so that others on the machine disturb less.
static double now() {
  timespec time;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
}

template <typename F> static double timeOf(F &&body) {
  double start = now();
  body();
  return now() - start;
}

static double median(std::vector<double> times) {
  std::sort(times.begin(), times.end());
  return times[times.size() / 2];
}

int main(int argc, char **argv) {
  std::string format = argc > 1 ? argv[1] : "#qt.int<4, axis = 1, group = 128, scale = f16, zp = 8>";
  std::string activation = argc > 2 ? argv[2] : "#qt.act<type = i8, granularity = token>";
  bool isFloat = activation == "f32";
  int64_t m = argc > 5 ? atoll(argv[3]) : 504, n = argc > 5 ? atoll(argv[4]) : 5632,
          k = argc > 5 ? atoll(argv[5]) : 2048;
  std::unique_ptr<MLIRContext> context = makeContext();
  std::string typeText = "!qt.tensor<" + std::to_string(n) + "x" + std::to_string(k) + ", " + format + ">";
  auto type = dyn_cast_if_present<qt::QuantTensorType>(parseType(typeText, context.get()));
  qt::ActivationAttr act =
      isFloat ? nullptr : dyn_cast_if_present<qt::ActivationAttr>(parseAttribute(activation, context.get()));
  if (!type || (!isFloat && !act))
    return 1;
  kern::PanelAttr panel = kern::choosePanel(type, act);
  if (!panel)
    return 1;
  std::string printed, ks = std::to_string(k), ns = std::to_string(n);
  llvm::raw_string_ostream(printed) << panel;
  std::string actText = isFloat ? "" : " activation " + activation;
  std::string strategy = getenv("STRATEGY") ? " strategy " + std::string(getenv("STRATEGY")) : "";
  bool isOld = getenv("MCPU") && StringRef(getenv("MCPU")) == "x86-64-v3";
  auto tiling = kern::chooseStrategy(kern::TargetAttr::get(context.get(), "", isOld ? "" : "+avx512bw"), act);
  if (getenv("STRATEGY"))
    tiling = cast<kern::LinearStrategyAttr>(
        parseAttribute("#kern.linear_strategy" + std::string(getenv("STRATEGY")), context.get()));
  std::string rows = "%m, " + ks + "], strides: [" + ks + ", 1] : memref<?xf32> to memref<?x" + ks + "xf32>\n";
  std::string text;
  if (!isFloat)
    text = "func.func private @quantize(%x: memref<?xf32> {kern.readonly}, %a: memref<?xi8>, %m: index, %b: index, %e: "
           "index, %s: memref<?xi8>) attributes {kern.kernel} {\n"
           "  %v = memref.reinterpret_cast %x to offset: [0], sizes: [" +
           rows + "  kern.quantize_rows range(%b to %e) rows(%m) ins(%v : memref<?x" + ks +
           "xf32>) outs(%a : memref<?xi8>) for " + typeText + actText + strategy + "\n  return\n}\n";
  text += "func.func private @linear(%a: memref<?x" + std::string(isFloat ? "f32" : "i8") +
          "> {kern.readonly}, %w: memref<?xi8> {kern.readonly}, %o: memref<?xf32>, %m: index, " +
          "%b: index, %e: index, %s: memref<?xi8>) attributes {kern.kernel} {\n" +
          (isFloat ? "  %v = memref.reinterpret_cast %a to offset: [0], sizes: [" + rows : "") +
          "  %c = memref.reinterpret_cast %o to offset: [0], sizes: [%m, " + ns + "], strides: [" + ns +
          ", 1] : memref<?xf32> to memref<?x" + ns + "xf32>\n  kern.linear range(%b to %e) rows(%m) ins(" +
          (isFloat ? "%v : memref<?x" + ks + "xf32>" : "%a : memref<?xi8>") +
          ") weights(%w : memref<?xi8>) outs(%c : memref<?x" + ns + "xf32>) scratch(%s : memref<?xi8>) as " + typeText +
          " panel " + printed + actText + strategy +
          " epilogue {\n  ^bb0(%acc: f32, %row: index, %col: index):\n    kern.yield %acc : f32\n  }\n  return\n}\n";
  double compileTime = now();
  std::unique_ptr<KernelJit> jit = KernelJit::compile(*context, text, getenv("MCPU") ? getenv("MCPU") : "native");
  if (!jit)
    return 1;
  compileTime = now() - compileTime;

  kern::PanelLayout layout(panel, type);
  int64_t bytes = layout.panels * layout.panelBytes;
  Buffer weights(bytes), input(m * k * 4), output(m * n * 4),
      packed(isFloat ? 64 : kern::activationBytes(m, type, act));
  std::mt19937 random(1);
  std::vector<float> values(64 * k);
  for (float &v : values)
    v = std::normal_distribution<float>()(random);
  qt::Rows encoded;
  type.getFormat().encode(values.data(), 64, k, encoded);
  kern::packPanel(layout, encoded, weights.bytes());
  for (int64_t p = 1; p < layout.panels; ++p)
    std::memcpy(weights.bytes() + p * layout.panelBytes, weights.bytes(), layout.panelBytes);
  for (int64_t i = 0; i < m * k; ++i)
    input.floats()[i] = values[i % values.size()];

  double quantize = 0, peak = 0;
  if (!isFloat) {
    int64_t blocks = (m + tiling.getMr() - 1) / tiling.getMr();
    std::vector<double> times;
    for (int i = 0; i < 11; ++i)
      times.push_back(timeOf([&] { jit->run("quantize", {input.bytes(), packed.bytes()}, {m}, 0, blocks); }));
    quantize = median(times);
  }
  int64_t items = layout.panels * ((m + tiling.getRowBlock() - 1) / tiling.getRowBlock());
  std::vector<void *> operands = {isFloat ? input.bytes() : packed.bytes(), weights.bytes(), output.bytes()};
  std::vector<double> times, reads;
  int rounds = m * n * k > (int64_t(1) << 31) ? 15 : 25;
  for (int i = 0; i < rounds; ++i) {
    times.push_back(timeOf([&] { jit->run("linear", operands, {m}, 0, items); }));
    reads.push_back(timeOf([&] { readAll(weights.bytes(), bytes); }));
    if (i % 5 == 0)
      peak = std::max(peak, isFloat ? fmaPeak() : dotPeak());
  }
  double time = median(times), best = *std::min_element(times.begin(), times.end()), read = median(reads),
         ops = 2. * m * n * k / 1e9;
  printf("%s %s %ldx%ldx%ld: %.3f ms (best %.3f), %.0f Gop/s = %.1f%% (best %.1f%%) of %.0f; weights %.2f GB/s, plain "
         "read %.2f: %.1f%%; quantize %.3f ms; compiled in %.2f s\n",
         format.c_str(), activation.c_str(), m, n, k, time * 1e3, best * 1e3, ops / time, 100 * ops / time / peak,
         100 * ops / best / peak, peak, bytes / time / 1e9, bytes / read / 1e9, 100 * read / time, quantize * 1e3,
         compileTime);
  return 0;
}
