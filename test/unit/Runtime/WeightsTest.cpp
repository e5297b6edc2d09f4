//===- WeightsTest.cpp - where weights come from --------------------------===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#include "Support.h"

#include "runtime/src/WeightHash.h"

#include <elf.h>
#include <fstream>
#include <random>
#include <unistd.h>

using namespace sinter::test;

namespace {

/// A folder of its own for the files of one test.
class Weights : public testing::Test {
protected:
  std::string folder;
  std::vector<float> factors = {1, 2, 0.5f, 3, -1};
  std::string bytes = std::string(64, 'x') + std::string(reinterpret_cast<const char *>(factors.data()), 20);

  void SetUp() override {
    std::string name = testing::TempDir() + "sinter_weights_XXXXXX";
    ASSERT_TRUE(mkdtemp(name.data()));
    folder = name + "/";
  }
  void TearDown() override {
    unsetenv("SINTER_MAP_WEIGHTS");
    for (const char *name : {"model.so", "model.weights"})
      unlink((folder + name).c_str());
    rmdir(folder.c_str());
  }
  std::string write(const char *name, const std::string &content) {
    std::ofstream(folder + name, std::ios::binary) << content;
    return folder + name;
  }
  /// An ELF file of section headers alone, with the weights at a page.
  std::string elf(const std::string &section = ".sinter.weights") const {
    std::string names = std::string(1, '\0') + section + std::string(1, '\0') + ".shstrtab" + std::string(1, '\0');
    Elf64_Ehdr header = {};
    memcpy(header.e_ident, ELFMAG, SELFMAG);
    header.e_ident[EI_CLASS] = ELFCLASS64;
    header.e_shentsize = sizeof(Elf64_Shdr), header.e_shnum = 3, header.e_shstrndx = 2;
    header.e_shoff = 4096 + 4096;
    Elf64_Shdr sections[3] = {};
    sections[1].sh_name = 1, sections[1].sh_offset = 4096, sections[1].sh_size = bytes.size();
    sections[2].sh_name = static_cast<Elf64_Word>(section.size() + 2), sections[2].sh_offset = sizeof header;
    sections[2].sh_size = names.size();
    std::string file(reinterpret_cast<char *>(&header), sizeof header);
    file += names;
    file.resize(4096);
    file += bytes;
    file.resize(8192);
    return file + std::string(reinterpret_cast<char *>(sections), sizeof sections);
  }
  /// The last row of one token's logits, or the reason why the model cannot be opened.
  void expectRuns(const Opened &opened) const {
    ASSERT_EQ(opened.status, 0) << opened.why;
    Session session = makeSession(opened);
    const float *logits;
    size_t count;
    int64_t token = 3;
    ASSERT_EQ(sinter_forward(session.get(), &token, 1, nullptr, 0, &logits, &count), 0);
    for (size_t v = 0; v < count; ++v)
      EXPECT_EQ(logits[v], (3 + static_cast<float>(v)) * factors[v]);
  }
  static ToyOptions toy(const char *sidecar = "") {
    ToyOptions options;
    options.weights = true;
    options.sidecar = sidecar;
    return options;
  }
  /// A toy whose program knows the hash of its weights.
  auto hashed(const char *sidecar) const {
    return [this, sidecar](ProgramBuilder &b) {
      buildToy(b, toy(sidecar));
      b.header.weightHash = hashWeights(bytes.data(), bytes.size());
    };
  }
};

} // namespace

TEST_F(Weights, inASectionOfTheLibrary) {
  std::string path = write("model.so", elf());
  for (bool map : {false, true}) {
    if (map)
      setenv("SINTER_MAP_WEIGHTS", "1", 1);
    Opened opened(toy(), path.c_str());
    expectRuns(opened);
    EXPECT_STREQ(opened.model->info->placement, map ? "mapped file" : "huge pages");
    EXPECT_EQ(opened.model->info->weight_bytes, 84u);
  }
}

TEST_F(Weights, inASidecar) {
  write("model.weights", bytes);
  std::string library = folder + "model.so"; // need not be there
  expectRuns(Opened(hashed("model.weights"), library.c_str()));
  setenv("SINTER_MAP_WEIGHTS", "1", 1);
  expectRuns(Opened(hashed("model.weights"), library.c_str()));
  std::string elsewhere = folder + "model.weights";
  sinter_open_options options = {};
  options.weights = elsewhere.c_str();
  expectRuns(Opened(hashed(""), library.c_str(), options));
}

TEST_F(Weights, problemsAreNamed) {
  std::string library = folder + "model.so";
  Opened gone(hashed("model.weights"), library.c_str());
  EXPECT_EQ(gone.status, SINTER_ERROR_FILE);
  EXPECT_EQ(std::string(gone.why), "cannot open '" + folder +
                                       "model.weights', which has the model's weights: No such "
                                       "file or directory");
  bytes[70] ^= 1;
  write("model.weights", bytes);
  bytes[70] ^= 1;
  for (bool map : {false, true}) {
    if (map)
      setenv("SINTER_MAP_WEIGHTS", "1", 1);
    Opened changed(hashed("model.weights"), library.c_str());
    EXPECT_EQ(changed.status, SINTER_ERROR_CORRUPT);
    EXPECT_EQ(std::string(changed.why),
              "'" + folder + "model.weights' holds other weights than those the model was compiled with");
  }
  unsetenv("SINTER_MAP_WEIGHTS");
  write("model.weights", bytes.substr(0, 80));
  EXPECT_EQ(std::string(Opened(hashed("model.weights"), library.c_str()).why),
            "'" + folder + "model.weights' is too short: it has 80 of 84 bytes of weights");
  write("model.so", elf(".other"));
  EXPECT_EQ(std::string(Opened(toy(), library.c_str()).why),
            "'" + library + "' has no section .sinter.weights; was it stripped of it?");
}

TEST_F(Weights, damagedLibraries) {
  std::string file = elf();
  for (size_t cut :
       {size_t(0), size_t(20), sizeof(Elf64_Ehdr), size_t(4096), size_t(4150), size_t(8192), file.size() - 1})
    EXPECT_GE(Opened(toy(), write("model.so", file.substr(0, cut)).c_str()).status, SINTER_ERROR_FILE) << cut;
  std::mt19937 random(1);
  for (int trial = 0; trial < 200; ++trial) {
    std::string damaged = file;
    for (int i = 0; i < 3; ++i) {
      size_t at = random() % 2 ? random() % sizeof(Elf64_Ehdr) : 8192 + random() % (file.size() - 8192);
      damaged[at] = static_cast<char>(random());
    }
    Opened opened(toy(), write("model.so", damaged).c_str()); // must not crash
    EXPECT_TRUE(opened.status == 0 || opened.status >= SINTER_ERROR_FILE);
  }
}

TEST_F(Weights, hashOfBlocks) {
  std::string data(kHashBlock + 100, 'a');
  uint64_t whole = hashWeights(data.data(), data.size());
  uint64_t combined = hashCombine(hashCombine(data.size(), hashBlock(data.data(), kHashBlock)),
                                  hashBlock(data.data() + kHashBlock, 100));
  EXPECT_EQ(whole, combined);
  for (size_t at : {size_t(0), size_t(31), size_t(kHashBlock - 1), size_t(kHashBlock + 99)}) {
    data[at] ^= 4;
    EXPECT_NE(hashWeights(data.data(), data.size()), whole);
    data[at] ^= 4;
  }
  EXPECT_NE(hashWeights(data.data(), data.size() - 1), whole);
}

TEST(Model, manyBlocksOfWeights) {
  std::string name = testing::TempDir() + "sinter_large.weights";
  std::vector<int64_t> data((3 * kHashBlock + 4096) / 8);
  for (size_t i = 0; i < data.size(); ++i)
    data[i] = static_cast<int64_t>(i * i);
  std::ofstream(name, std::ios::binary)
      .write(reinterpret_cast<char *>(data.data()), static_cast<long>(data.size() * 8));
  sinter_open_options options = {};
  options.weights = name.c_str();
  options.threads = 3;
  Opened opened(
      [&](ProgramBuilder &b) {
        uint32_t n = b.symbol("n", SymbolKind::Input, 1, 1 << 22);
        b.inputs.push_back(b.tensor("x", DType::I64, {{n, AxisRole::Other}}, 8));
        b.outputs.push_back(b.tensor("y", DType::I64, {{n, AxisRole::Other}}, 8));
        auto copy = [](char *const *operands, const int64_t *, int64_t begin, int64_t end, char *) {
          memcpy(operands[1] + begin * 8, operands[0] + begin * 8, static_cast<size_t>(end - begin) * 8);
        };
        b.rows.push_back(
            b.dispatch(b.kernel("copy", copy), n, {{Space::Weights, 0, kNone, 0}, {Space::Output, 0, kNone, 0}}, {}));
        b.header.weightBytes = data.size() * 8;
        b.header.weightHash = hashWeights(reinterpret_cast<char *>(data.data()), data.size() * 8);
      },
      nullptr, options);
  remove(name.c_str());
  ASSERT_EQ(opened.status, 0) << opened.why;
  Session session = makeSession(opened, 2);
  sinter_tensor in = tensorOf("x", {static_cast<int64_t>(data.size())}, data), out = wanted("y");
  ASSERT_EQ(sinter_run(session.get(), &in, 1, &out, 1, 0), 0) << sinter_message(session.get());
  EXPECT_EQ(memcmp(out.data, data.data(), data.size() * 8), 0);
}

//===----------------------------------------------------------------------===//
// Programs and processors
//===----------------------------------------------------------------------===//

TEST(Model, checksItsProcessor) {
#if defined(__x86_64__)
  ToyOptions toy;
  toy.features = "+sse4.1,-avx512f,+unheard-of";
  EXPECT_EQ(Opened(toy).status, 0);
  toy.features = "+sse4.1,+avx512fp16,+amx-int8,+avxvnniint8"; // no processor has all three
  Opened opened(toy);
  EXPECT_EQ(opened.status, SINTER_ERROR_MACHINE);
  EXPECT_NE(std::string(opened.why).find("which this one lacks; compile it with another --mcpu"), std::string::npos);
#endif
}

TEST(Model, checksItsVersion) {
  ProgramBuilder builder;
  buildToy(builder);
  const Model *table = builder.finish(&sinter_runtime_api);
  sinter_model *model;
  char why[SINTER_MESSAGE_BYTES];
  builder.written().version = kVersion + 1;
  EXPECT_EQ(sinter_runtime_api.open(table, nullptr, nullptr, &model, why), SINTER_ERROR_VERSION);
  EXPECT_EQ(model, nullptr);
  EXPECT_EQ(sinter_open("/nowhere/model.so", nullptr, &model, why), SINTER_ERROR_FILE);
  EXPECT_EQ(sinter_open("libm.so.6", nullptr, &model, why), SINTER_ERROR_FILE);
}

TEST(Model, referencesThatLeadNowhereAreNamed) {
  auto refused = [](void (*damage)(ProgramBuilder &)) {
    Opened opened([&](ProgramBuilder &b) {
      buildToy(b);
      damage(b);
    });
    EXPECT_EQ(opened.status, SINTER_ERROR_CORRUPT);
    return std::string(opened.why);
  };
  EXPECT_EQ(refused([](ProgramBuilder &b) { b.scalars[2].a = 2; }), "the model is damaged: scalar 2 of its program is wrong"); // itself
  EXPECT_EQ(refused([](ProgramBuilder &b) { b.rows[1].scalars.count = 1 << 20; }), "the model is damaged: row 1 of its program is wrong");
  EXPECT_EQ(refused([](ProgramBuilder &b) {
              uint32_t one = b.constant(1);
              b.rows.push_back(b.control(RowKind::If, 1, one, {})); // takes a row that is not there
            }),
            "the model is damaged: list 3 of its program is wrong");
}

TEST(Model, damagedProgramsAreRefused) {
  ProgramBuilder builder;
  buildToy(builder);
  builder.finish(&sinter_runtime_api);
  const std::vector<char> sound = builder.block;
  std::mt19937 random(2);
  int refused = 0;
  const std::vector<uint32_t> values = {0, 1, 7, 0x7fffffff, kNone, 0x10000};
  for (int trial = 0; trial < 20000; ++trial) {
    builder.block = sound;
    uint32_t value = random() % 2 ? values[random() % values.size()] : random() % 2048;
    memcpy(builder.block.data() + 8 + random() % (sound.size() / 4 - 2) * 4, &value, 4);
    builder.written().bytes = sound.size();
    if (builder.written().weightBytes)
      continue;
    sinter_model *model;
    Model table = {kMagic, kVersion, &builder.written(), builder.kernels.data(), &sinter_runtime_api};
    // Whatever the verifier lets through can be described and given sessions (of sane sizes) without a crash.
    char why[SINTER_MESSAGE_BYTES] = "";
    int status = sinter_runtime_api.open(&table, nullptr, nullptr, &model, why);
    refused += status != 0;
    if (status)
      EXPECT_NE(std::string(why), "");
    else
      sinter_close(model);
  }
  EXPECT_GT(refused, 2000);
}
