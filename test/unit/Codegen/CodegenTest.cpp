//===- CodegenTest.cpp - targets and objects ------------------------------===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#include "test/unit/Codegen/TestLibrary.h"

#include "llvm/Support/Error.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/raw_ostream.h"
#include "gtest/gtest.h"

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
  EXPECT_EQ(messageOf("znver9").find("unknown CPU 'znver9' in --mcpu; names close to it are znver1, znver2, znver3"),
            0u);
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

/// What is optimized, so that the effect of `kern.readonly` shows.
std::string optimizedText(llvm::StringRef attribute) {
  std::string text = llvm::formatv(R"(
func.func private @scale(%x: memref<?xf32> {0}, %y: memref<?xf32>, %begin: index, %end: index, %scratch: memref<?xi8>)
    attributes {{kern.kernel} {{
  %c0 = arith.constant 0 : index
  %c16 = arith.constant 16 : index
  scf.for %i = %begin to %end step %c16 {{
    %k = memref.load %x[%c0] : memref<?xf32>
    %a = vector.load %y[%i] : memref<?xf32>, vector<16xf32>
    %b = vector.broadcast %k : f32 to vector<16xf32>
    %r = arith.mulf %a, %b : vector<16xf32>
    vector.store %r, %y[%i] : memref<?xf32>, vector<16xf32>
  }
  return
}
)",
                                   attribute);
  std::string result;
  llvm::raw_string_ostream os(result);
  llvm::Error error = test::print(text, "znver4", os);
  EXPECT_FALSE(bool(error)) << toString(std::move(error));
  return result;
}

TEST(Emit, ReadonlyOperandsStayInRegisters) {
  // The scalar's load is before the loop where nothing that the loop writes can be it.
  std::string text = optimizedText("{kern.readonly}");
  EXPECT_LT(text.find("load float"), text.find("phi i64")) << text;
  text = optimizedText("");
  EXPECT_GT(text.find("load float"), text.find("phi i64")) << text;
  EXPECT_NE(text.find("load float"), std::string::npos);
}

/// Every conversion between numbers, of scalars and vectors, is instructions: nothing is undefined in the library.
TEST(Emit, ConversionsAreInstructions) {
  std::string text;
  auto add = [&](llvm::StringRef op, llvm::StringRef from, llvm::StringRef to) {
    for (bool vector : {false, true}) {
      auto typed = [&](llvm::StringRef type) { return vector ? "vector<16x" + type.str() + ">" : type.str(); };
      std::string name = (op.drop_front(6) + "_" + from + "_" + to + (vector ? "_v" : "")).str();
      text += llvm::formatv(R"(
func.func private @{0}(%x: memref<?x{1}> {{kern.readonly}, %y: memref<?x{2}>, %begin: index, %end: index, %scratch: memref<?xi8>)
    attributes {{kern.kernel} {{
  %a = {3}.load %x[%begin] : memref<?x{1}>{4}
  %r = {5} %a : {6} to {7}
  {3}.store %r, %y[%begin] : memref<?x{2}>{8}
  return
}
)",
                            name, from, to, vector ? "vector" : "memref", vector ? ", " + typed(from) : "", op,
                            typed(from), typed(to), vector ? ", " + typed(to) : "");
    }
  };
  const std::pair<const char *, int> floats[] = {{"f16", 16}, {"bf16", 16}, {"f32", 32}, {"f64", 64}};
  for (auto [f, width] : floats) {
    for (const char *i : {"i8", "i16", "i32", "i64"}) {
      add("arith.sitofp", i, f);
      add("arith.uitofp", i, f);
      add("arith.fptosi", f, i);
      add("arith.fptoui", f, i);
    }
    for (auto [wide, wideWidth] : floats)
      if (width < wideWidth) {
        add("arith.extf", f, wide);
        add("arith.truncf", wide, f);
      }
  }
  std::unique_ptr<llvm::MemoryBuffer> runtime = test::fakeRuntime();
  std::string program = test::emptyProgram(0);
  test::Folder folder;
  for (const char *mcpu : {"x86-64-v3", "znver4", "sapphirerapids"}) {
    llvm::Expected<test::Compiled> compiled = test::compile(text, 2, mcpu);
    ASSERT_TRUE(bool(compiled)) << toString(compiled.takeError());
    llvm::Error error = linkLibrary(test::makeInput(*compiled, *runtime, program), folder.file("a.so"));
    EXPECT_FALSE(bool(error)) << mcpu << ": " << toString(std::move(error));
  }
}

} // namespace
