//===- CompileFlagsTest.cpp - the flags of sinter compile ---------------===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#include "tools/sinter/CompileFlags.h"

#include <gtest/gtest.h>

using namespace llvm;
using namespace sinter;
using namespace sinter::tools;

static CompileOptions parse(std::vector<StringRef> arguments) {
  CompileOptions options;
  Command command("compile", "");
  command.positional("MODEL.onnx", "", options.model);
  CompileFlags flags(command, options);
  EXPECT_TRUE(cantFail(command.parse(arguments, errs())));
  cantFail(flags.finish(options));
  return options;
}

TEST(CompileFlags, Defaults) {
  CompileOptions options = parse({"m.onnx", "-o", "m.so"});
  EXPECT_EQ(options.model, "m.onnx");
  EXPECT_EQ(options.output, "m.so");
  EXPECT_EQ(options.weights, "auto");
  EXPECT_EQ(options.activations, ActivationChoice::Auto);
  EXPECT_FALSE(options.maxSeq);
  EXPECT_TRUE(options.emitLibrary);
  EXPECT_FALSE(options.emitHeader);
}

TEST(CompileFlags, Dimensions) {
  CompileOptions options = parse({"m.onnx", "-o=m.so", "--dim", "batch=2", "--dim=past + seq=0..8", "--dim=a=b=1..1"});
  ASSERT_EQ(options.dims.size(), 3u);
  EXPECT_EQ(options.dims[0].lo, 2);
  EXPECT_EQ(options.dims[0].hi, 2);
  EXPECT_EQ(options.dims[1].name, "past + seq");
  EXPECT_EQ(options.dims[1].lo, 0);
  EXPECT_EQ(options.dims[1].hi, 8);
  EXPECT_EQ(options.dims[2].name, "a=b");
}

TEST(CompileFlags, Everything) {
  CompileOptions options =
      parse({"m.onnx", "-o", "m.so", "--weights=int4:group=32", "--activations=int8", "--kv=bf16", "--mcpu=znver4",
             "--max-seq=99", "--chunk=7", "--state", "h=h_out", "--keep-past-outputs", "--probe=a/b", "--probe=c",
             "--dump-ir=ir", "--stop-after=kv", "--emit=obj,header", "--sidecar-over=10", "--threads=3"});
  EXPECT_EQ(options.weights, "int4:group=32");
  EXPECT_EQ(options.activations, ActivationChoice::Int8);
  EXPECT_EQ(options.kv, CacheChoice::BF16);
  EXPECT_EQ(options.mcpu, "znver4");
  EXPECT_EQ(options.maxSeq, 99);
  EXPECT_EQ(options.chunk, 7);
  ASSERT_EQ(options.states.size(), 1u);
  EXPECT_EQ(options.states[0].output, "h_out");
  EXPECT_TRUE(options.keepPastOutputs);
  EXPECT_EQ(options.probes, (std::vector<std::string>{"a/b", "c"}));
  EXPECT_EQ(options.stopAfter, "kv");
  EXPECT_FALSE(options.emitLibrary);
  EXPECT_TRUE(options.emitObject);
  EXPECT_TRUE(options.emitHeader);
  EXPECT_EQ(options.sidecarThreshold, 10u);
  EXPECT_EQ(options.threads, 3u);
}
