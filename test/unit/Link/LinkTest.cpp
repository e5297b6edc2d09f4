//===- LinkTest.cpp - libraries that load and run -------------------------===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#include "test/unit/Codegen/TestLibrary.h"

#include "runtime/RuntimeBlob.h"
#include "runtime/src/WeightHash.h"
#include "llvm/Object/ELFObjectFile.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Program.h"
#include "gtest/gtest.h"
#include <atomic>
#include <dlfcn.h>
#include <thread>

using namespace sinter;

namespace {

constexpr const char *kKernels = R"(
func.func private @scale(%x: memref<?xf32> {kern.readonly}, %y: memref<?xf32>, %k: index,
                         %begin: index, %end: index, %scratch: memref<?xi8>) attributes {kern.kernel} {
  %c1 = arith.constant 1 : index
  %ki = arith.index_cast %k : index to i32
  %kf = arith.sitofp %ki : i32 to f32
  scf.for %i = %begin to %end step %c1 {
    %a = memref.load %x[%i] : memref<?xf32>
    %r = arith.mulf %a, %kf : f32
    memref.store %r, %y[%i] : memref<?xf32>
  }
  return
}
func.func private @gelu(%x: memref<?xf32> {kern.readonly}, %y: memref<?xf32>,
                        %begin: index, %end: index, %scratch: memref<?xi8>) attributes {kern.kernel} {
  %c16 = arith.constant 16 : index
  %half = arith.constant dense<0.5> : vector<16xf32>
  %r2 = arith.constant dense<0.70710678> : vector<16xf32>
  scf.for %i = %begin to %end step %c16 {
    %a = vector.load %x[%i] : memref<?xf32>, vector<16xf32>
    %s = arith.mulf %a, %r2 : vector<16xf32>
    %e = math.erf %s : vector<16xf32>
    %h = arith.mulf %a, %half : vector<16xf32>
    %r = math.fma %h, %e, %h : vector<16xf32>
    vector.store %r, %y[%i] : memref<?xf32>, vector<16xf32>
  }
  return
}
)";

constexpr const char *kCallsLibm = R"(
llvm.func @bad(%operands: !llvm.ptr, %scalars: !llvm.ptr, %begin: i64, %end: i64, %scratch: !llvm.ptr) attributes {kern.kernel} {
  %x = llvm.load %scratch : !llvm.ptr -> f32
  %y = llvm.intr.exp(%x) : (f32) -> f32
  llvm.store %y, %scratch : f32, !llvm.ptr
  llvm.return
}
)";

struct LinkTest : testing::Test {
  test::Compiled compiled;
  std::unique_ptr<llvm::MemoryBuffer> runtime = test::fakeRuntime();
  test::Folder folder;
  std::string program = test::emptyProgram(0);

  void SetUp() override {
    llvm::Expected<test::Compiled> result = test::compile(kKernels);
    ASSERT_TRUE(bool(result)) << toString(result.takeError());
    compiled = std::move(*result);
  }
  LinkInput input() { return test::makeInput(compiled, *runtime, program); }
};

std::string link(const LinkInput &input, const std::string &path) {
  llvm::Error error = linkLibrary(input, path);
  return error ? toString(std::move(error)) : "";
}

void checkKernels(const program::Model &model) {
  std::vector<float> x(32), y(32);
  for (size_t i = 0; i < x.size(); ++i)
    x[i] = float(i) / 8 - 2;
  char *operands[] = {reinterpret_cast<char *>(x.data()), reinterpret_cast<char *>(y.data())};
  int64_t scalars[] = {3};
  model.kernels[0](operands, scalars, 4, 30, nullptr);
  for (size_t i = 0; i < x.size(); ++i)
    EXPECT_EQ(y[i], i >= 4 && i < 30 ? 3 * x[i] : 0);
  model.kernels[1](operands, scalars, 0, 32, nullptr);
  for (size_t i = 0; i < x.size(); ++i)
    EXPECT_NEAR(y[i], x[i] / 2 * (1 + std::erf(x[i] * M_SQRT1_2)), 3e-7);
}

/// Weights of `parts` parts with a gap behind each; byte i is a function of i.
WeightWriter makeWeights(unsigned parts, uint64_t partBytes, uint64_t stride) {
  WeightWriter weights;
  weights.bytes = parts * stride;
  for (unsigned i = 0; i < parts; ++i)
    weights.parts.push_back({i * stride, partBytes, [=](llvm::MutableArrayRef<char> to) {
                               for (uint64_t j = 0; j < to.size(); ++j)
                                 to[j] = char((i * stride + j) * 37 >> 3);
                               return llvm::Error::success();
                             }});
  std::swap(weights.parts.front(), weights.parts.back()); // any order will do
  return weights;
}
std::string expectedWeights(const WeightWriter &weights) {
  std::string bytes(weights.bytes, 0);
  for (const WeightPart &part : weights.parts)
    cantFail(part.write({&bytes[part.offset], part.bytes}));
  return bytes;
}

std::string read(const std::string &path) {
  auto buffer = llvm::MemoryBuffer::getFile(path, false, /*RequiresNullTerminator=*/false);
  return buffer ? (*buffer)->getBuffer().str() : "";
}

/// A section's offset and contents in an ELF file; fails the test where there is none.
std::pair<uint64_t, std::string> section(const std::string &path, llvm::StringRef name) {
  std::string bytes = read(path);
  auto file = llvm::object::ELFFile<llvm::object::ELF64LE>::create(bytes);
  EXPECT_TRUE(bool(file));
  for (const auto &header : cantFail(file->sections()))
    if (cantFail(file->getSectionName(header)) == name)
      return {header.sh_offset, bytes.substr(header.sh_offset, header.sh_size)};
  ADD_FAILURE() << path << " has no section " << name.str();
  return {};
}

TEST_F(LinkTest, LoadsAndRunsTwice) {
  for (const char *name : {"a.so", "b.so"}) {
    ASSERT_EQ(link(input(), folder.file(name)), "");
    test::Loaded loaded(folder.file(name));
    ASSERT_NE(loaded.model, nullptr) << dlerror();
    EXPECT_EQ(loaded.model->magic, program::kMagic);
    EXPECT_EQ(loaded.model->program->bytes, program.size());
    EXPECT_EQ(reinterpret_cast<uintptr_t>(loaded.model->program) % 64, 0u);
    EXPECT_EQ(*static_cast<const int64_t *>(loaded.model->api), 42);
    checkKernels(*loaded.model);
  }
  EXPECT_TRUE(read(folder.file("a.so")) == read(folder.file("b.so")));
}

TEST_F(LinkTest, NeedsNoProgramsAndExportsOneSymbol) {
  std::string path = getenv("PATH") ? getenv("PATH") : "";
  unsetenv("PATH");
  std::string message = link(input(), folder.file("a.so"));
  setenv("PATH", path.c_str(), 1);
  ASSERT_EQ(message, "");
  std::string bytes = read(folder.file("a.so"));
  auto object = cantFail(llvm::object::ObjectFile::createELFObjectFile(llvm::MemoryBufferRef(bytes, "")));
  std::vector<std::string> exported;
  for (const auto &symbol : llvm::cast<llvm::object::ELFObjectFileBase>(*object).getDynamicSymbolIterators())
    if (!(cantFail(symbol.getFlags()) & llvm::object::SymbolRef::SF_Undefined))
      exported.push_back(cantFail(symbol.getName()).str());
  EXPECT_EQ(exported, std::vector<std::string>{"sinter_model_v1"});
}

TEST_F(LinkTest, RealRuntimeLinks) {
  LinkInput in = input();
  in.runtimeObject = runtimeObject();
  ASSERT_EQ(link(in, folder.file("a.so")), "");
  test::Loaded loaded(folder.file("a.so"));
  ASSERT_NE(loaded.model, nullptr) << dlerror();
  checkKernels(*loaded.model);
}

TEST_F(LinkTest, UndefinedSymbolsAreNamed) {
  llvm::Expected<test::Compiled> bad = test::compile(kCallsLibm);
  ASSERT_TRUE(bool(bad)) << toString(bad.takeError());
  std::string message = link(test::makeInput(*bad, *runtime, program), folder.file("a.so"));
  EXPECT_EQ(message, "linking failed: undefined symbol: expf, referenced by bad");
  EXPECT_FALSE(llvm::sys::fs::exists(folder.file("a.so")));

  LinkInput missing = input();
  missing.kernels.push_back("nothing");
  message = link(missing, folder.file("a.so"));
  EXPECT_NE(message.find("undefined hidden symbol: nothing"), std::string::npos) << message;
  // And the linker is fit for use afterwards.
  EXPECT_EQ(link(input(), folder.file("a.so")), "");
}

TEST_F(LinkTest, RefusesWhatDoesNotFit) {
  LinkInput in = input();
  in.program = in.program.take_front(8);
  EXPECT_EQ(link(in, folder.file("a.so")), "the program to link is shorter than its header");
  in = input();
  in.kernels[0] = "malloc";
  EXPECT_EQ(link(in, folder.file("a.so")), "a kernel is named 'malloc', which the library needs for something else");
  in = input();
  in.weights.bytes = 5;
  EXPECT_EQ(link(in, folder.file("a.so")), "the program to link expects 0 bytes of weights, and there are 5");
  std::string message = link(input(), folder.file("no/such/folder.so"));
  EXPECT_NE(message.find("No such file or directory"), std::string::npos) << message;
}

TEST_F(LinkTest, AFullDiskIsAnError) {
  std::string path = folder.file("full.so");
  ASSERT_FALSE(llvm::sys::fs::create_link("/dev/full", path));
  EXPECT_EQ(link(input(), path), "No space left on device");
  EXPECT_FALSE(llvm::sys::fs::is_symlink_file(path));
}

struct WeightTest : LinkTest {
  void check(const std::string &path, const WeightWriter &weights) {
    auto [offset, bytes] = section(path, ".sinter.weights");
    EXPECT_EQ(offset % 4096, 0u);
    EXPECT_TRUE(bytes == expectedWeights(weights)) << path;
    test::Loaded loaded(path);
    ASSERT_NE(loaded.model, nullptr) << dlerror();
    EXPECT_EQ(loaded.model->program->weightHash, program::hashWeights(bytes.data(), bytes.size()));
    checkKernels(*loaded.model);
  }
};

TEST_F(WeightTest, InTheLibraryAlsoAfterStrip) {
  LinkInput in = input();
  in.weights = makeWeights(9, 1234567, 2000001); // 18 MB: parts that straddle blocks, and gaps
  program = test::emptyProgram(in.weights.bytes);
  in.program = llvm::ArrayRef<char>(program.data(), program.size());
  in.workers = 3;
  std::atomic<uint64_t> most = 0;
  in.progress = [&](uint64_t done, uint64_t total) {
    EXPECT_EQ(total, in.weights.bytes);
    for (uint64_t seen = most; seen < done && !most.compare_exchange_weak(seen, done);) {
    }
  };
  std::string path = folder.file("a.so");
  ASSERT_EQ(link(in, path), "");
  EXPECT_EQ(most, 9 * 1234567u);
  check(path, in.weights);

  for (const char *tool : {"strip", "llvm-strip-22"}) {
    auto program = llvm::sys::findProgramByName(tool);
    if (!program)
      continue;
    std::string stripped = folder.file(tool);
    ASSERT_FALSE(llvm::sys::fs::copy_file(path, stripped));
    ASSERT_EQ(llvm::sys::ExecuteAndWait(*program, {tool, stripped}), 0);
    check(stripped, in.weights);
  }
}

TEST_F(WeightTest, Beside) {
  LinkInput in = input();
  in.weights = makeWeights(3, 1000, 5000);
  program = test::emptyProgram(in.weights.bytes);
  in.program = llvm::ArrayRef<char>(program.data(), program.size());
  in.sidecar = folder.file("a.weights");
  ASSERT_EQ(link(in, folder.file("a.so")), "");
  std::string bytes = read(in.sidecar);
  EXPECT_TRUE(bytes == expectedWeights(in.weights));
  EXPECT_EQ(read(folder.file("a.so")).find(".sinter.weights"), std::string::npos);
  test::Loaded loaded(folder.file("a.so"));
  ASSERT_NE(loaded.model, nullptr) << dlerror();
  EXPECT_EQ(loaded.model->program->weightHash, program::hashWeights(bytes.data(), bytes.size()));
}

TEST_F(WeightTest, FailuresLeaveNothing) {
  LinkInput in = input();
  in.weights = makeWeights(4, 1000, 5000);
  program = test::emptyProgram(in.weights.bytes);
  in.program = llvm::ArrayRef<char>(program.data(), program.size());
  in.sidecar = folder.file("a.weights");
  in.weights.parts[2].write = [](llvm::MutableArrayRef<char>) {
    return llvm::createStringError("weight 'w' is cut off");
  };
  EXPECT_EQ(link(in, folder.file("a.so")), "weight 'w' is cut off");
  in.weights = makeWeights(4, 6000, 5000);
  EXPECT_EQ(link(in, folder.file("a.so")), "weights overlap or lie outside of their section, at byte 5000");
  EXPECT_FALSE(llvm::sys::fs::exists(folder.file("a.so")));
  EXPECT_FALSE(llvm::sys::fs::exists(in.sidecar));
}

TEST_F(WeightTest, OneObject) {
  LinkInput in = input();
  in.weights = makeWeights(2, 1000, 5000);
  program = test::emptyProgram(in.weights.bytes);
  in.program = llvm::ArrayRef<char>(program.data(), program.size());
  llvm::Error error = linkObject(in, folder.file("a.o"));
  ASSERT_FALSE(bool(error)) << toString(std::move(error));
  EXPECT_TRUE(section(folder.file("a.o"), ".sinter.weights").second == expectedWeights(in.weights));
}

TEST_F(LinkTest, ThreadsTakeTurns) {
  std::vector<std::thread> threads;
  std::vector<std::string> messages(4);
  for (int i = 0; i < 4; ++i)
    threads.emplace_back([&, i] { messages[i] = link(input(), folder.file(std::to_string(i))); });
  for (std::thread &thread : threads)
    thread.join();
  for (int i = 0; i < 4; ++i) {
    EXPECT_EQ(messages[i], "");
    EXPECT_TRUE(read(folder.file(std::to_string(i))) == read(folder.file("0")));
  }
}

} // namespace
