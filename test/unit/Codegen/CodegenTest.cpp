//===- CodegenTest.cpp - targets and objects ------------------------------===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#include "TestLibrary.h"

#include "gtest/gtest.h"
#include "llvm/Support/Error.h"

using namespace sinter;

namespace {

std::string messageOf(llvm::StringRef mcpu) {
  llvm::Expected<TargetSpec> target = resolveTarget(mcpu);
  return target ? "" : toString(target.takeError());
}

TEST(Target, KnowsFeatures) {
  llvm::Expected<TargetSpec> target = resolveTarget("znver4");
  ASSERT_TRUE(bool(target));
  EXPECT_EQ(target->cpu, "znver4");
  EXPECT_NE(target->features.find("+avx512vnni"), std::string::npos);
  target = resolveTarget("x86-64-v3");
  ASSERT_TRUE(bool(target));
  EXPECT_NE(target->features.find("+avx2"), std::string::npos);
  EXPECT_EQ(target->features.find("+avx512"), std::string::npos);
  target = resolveTarget("native");
  ASSERT_TRUE(bool(target));
  EXPECT_NE(target->features.find("+fma"), std::string::npos);
}

TEST(Target, RefusesWithSuggestions) {
  EXPECT_EQ(messageOf("znver9").find("unknown CPU 'znver9' in --mcpu; names close to it are znver1, znver2, znver3"), 0u);
  EXPECT_EQ(messageOf("x86-64-v2"), "CPU 'x86-64-v2' in --mcpu has no AVX2, FMA and F16C; the least is x86-64-v3");
  EXPECT_NE(messageOf(""), "");
}

constexpr const char *kTwo = R"(
func.func private @helper(%a: f32) -> f32 {
  %r = math.exp %a : f32
  return %r : f32
}
func.func private @one(%x: memref<?xf32>, %begin: index, %end: index, %scratch: memref<?xi8>) attributes {kern.kernel} {
  %a = memref.load %x[%begin] : memref<?xf32>
  %r = func.call @helper(%a) : (f32) -> f32
  memref.store %r, %x[%begin] : memref<?xf32>
  return
}
func.func private @two(%x: memref<?xf32>, %begin: index, %end: index, %scratch: memref<?xi8>) attributes {kern.kernel} {
  %a = memref.load %x[%begin] : memref<?xf32>
  %m = arith.mulf %a, %a : f32
  %r = arith.addf %m, %a : f32
  memref.store %r, %x[%begin] : memref<?xf32>
  return
}
)";

TEST(Emit, SameBytesForAnyNumberOfWorkers) {
  llvm::Expected<test::Compiled> one = test::compile(kTwo, 1), four = test::compile(kTwo, 4);
  ASSERT_TRUE(one && four);
  ASSERT_EQ(one->objects.size(), 2u);
  for (size_t i = 0; i < 2; ++i)
    EXPECT_EQ(one->objects[i]->getBuffer(), four->objects[i]->getBuffer());
}

TEST(Emit, AllocationIsRefused) {
  llvm::Expected<test::Compiled> compiled = test::compile(R"(
func.func private @leaks(%x: memref<?xf32>, %begin: index, %end: index, %scratch: memref<?xi8>) attributes {kern.kernel} {
  %a = memref.alloc(%end) : memref<?xf32>
  %v = memref.load %x[%begin] : memref<?xf32>
  memref.store %v, %a[%begin] : memref<?xf32>
  %w = memref.load %a[%end] : memref<?xf32>
  memref.store %w, %x[%begin] : memref<?xf32>
  return
}
)");
  ASSERT_FALSE(bool(compiled));
  EXPECT_EQ(toString(compiled.takeError()), "kernel 'leaks' calls 'malloc', which a model has not got");
}

} // namespace
