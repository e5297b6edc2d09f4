//===- NpzTest.cpp - numpy's files --------------------------------------===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#include "tools/sinter/Npz.h"

#include "llvm/Support/raw_ostream.h"

#include <gtest/gtest.h>


using namespace llvm;
using namespace sinter::tools;

static std::string npy(StringRef dictionary, StringRef data, char version = 1) {
  std::string out = "\x93NUMPY";
  out += version;
  out += '\0';
  out += char(dictionary.size());
  out += '\0';
  if (version > 1)
    out += std::string(2, '\0');
  return out + dictionary.str() + data.str();
}

static std::string errorOf(Expected<Array> array) { return array ? "" : toString(array.takeError()); }

template <typename T> static std::vector<T> values(const Array &array) {
  return std::vector<T>(array.as<T>(), array.as<T>() + array.size());
}

TEST(Npy, ReadsEveryType) {
  struct {
    const char *descr;
    DType type;
    unsigned width;
  } cases[] = {{"<f4", DType::F32, 4}, {"<f2", DType::F16, 2}, {"<V2", DType::BF16, 2}, {"|V2", DType::BF16, 2},
               {"<f8", DType::F64, 8}, {"|i1", DType::I8, 1},  {"|u1", DType::U8, 1},   {"<i2", DType::I16, 2},
               {"<u2", DType::U16, 2}, {"<i4", DType::I32, 4}, {"<u4", DType::U32, 4},  {"<i8", DType::I64, 8},
               {"<u8", DType::U64, 8}, {"|b1", DType::Bool, 1}};
  for (auto &[descr, type, width] : cases) {
    std::string header = std::string("{'descr': '") + descr + "', 'fortran_order': False, 'shape': (2, 3), }";
    Array array = cantFail(parseNpy(npy(header, std::string(6 * width, '\1'))));
    EXPECT_EQ(array.type, type) << descr;
    EXPECT_EQ(array.shape, (std::vector<int64_t>{2, 3}));
    EXPECT_EQ(array.size(), 6);
  }
}

TEST(Npy, ConvertsOrders) {
  Array fortran = cantFail(parseNpy(npy("{'descr': '|i1', 'fortran_order': True, 'shape': (2, 3)}", "\1\4\2\5\3\6")));
  EXPECT_EQ(values<int8_t>(fortran), (std::vector<int8_t>{1, 2, 3, 4, 5, 6}));
  Array big =
      cantFail(parseNpy(npy("{\"descr\": '>i2', 'fortran_order': False, 'shape': (1,)}", StringRef("\1\2", 2), 2)));
  EXPECT_EQ(values<int16_t>(big), (std::vector<int16_t>{0x102}));
  Array scalar =
      cantFail(parseNpy(npy("{'descr': '<i4', 'fortran_order': False, 'shape': ()}", StringRef("\7\0\0\0", 4))));
  EXPECT_TRUE(scalar.shape.empty());
  EXPECT_EQ(values<int32_t>(scalar), (std::vector<int32_t>{7}));
}

TEST(Npy, RefusesWhatItCannotRead) {
  EXPECT_EQ(errorOf(parseNpy("hello")), "not a .npy array");
  EXPECT_EQ(errorOf(parseNpy(npy("{'descr': '<f4'}", ""))), "cannot read the header of a .npy array");
  EXPECT_EQ(errorOf(parseNpy(npy("{'descr': '<c8', 'fortran_order': False, 'shape': (1,)}", "12345678"))),
            "elements of numpy type '<c8' are not supported");
  for (const char *shape : {"(2,)", "(4294967296, 4294967296, 4294967296)", "(0, 1)"})
    EXPECT_EQ(
        errorOf(parseNpy(npy(std::string("{'descr': '<f4', 'fortran_order': False, 'shape': ") + shape + "}", "1234"))),
        "a .npy array does not have as many bytes as its shape says");
  EXPECT_NE(errorOf(parseNpy(npy("{'descr': '<f4', 'fortran_order': False, 'shape': (-1,)}", "1234"))), "");
}

static std::string sample() {
  std::string file;
  raw_string_ostream os(file);
  NpzWriter writer(os);
  Array a(DType::I64, {2, 2});
  for (int i = 0; i < 4; ++i)
    a.as<int64_t>()[i] = i * 1000;
  writer.add("0/in/input_ids", a);
  writer.add("empty", DType::F32, {0, 4}, "");
  writer.add("scalar", DType::Bool, {}, StringRef("\1", 1));
  writer.finish();
  return file;
}

TEST(Npz, WritesWhatItReads) {
  std::string file = sample();
  NamedArrays arrays = cantFail(parseNpz(file));
  ASSERT_EQ(arrays.size(), 3u);
  EXPECT_EQ(arrays[0].first, "0/in/input_ids");
  EXPECT_EQ(values<int64_t>(arrays[0].second), (std::vector<int64_t>{0, 1000, 2000, 3000}));
  EXPECT_EQ(arrays[1].second.shape, (std::vector<int64_t>{0, 4}));
  EXPECT_EQ(arrays[2].second.type, DType::Bool);
}

TEST(Npz, SurvivesDamage) {
  std::string file = sample();
  for (size_t size = 0; size < file.size(); ++size) {
    Expected<NamedArrays> arrays = parseNpz(StringRef(file).take_front(size));
    EXPECT_FALSE(bool(arrays)) << size;
    consumeError(arrays.takeError());
  }
  for (size_t at = 0; at < file.size(); ++at)
    for (char flip : {'\1', '\x7f', '\xff'}) {
      std::string damaged = file;
      damaged[at] ^= flip;
      if (Expected<NamedArrays> arrays = parseNpz(damaged); !arrays)
        consumeError(arrays.takeError());
    }
}

TEST(Npz, NamesTheDamagedArray) {
  std::string file = sample();
  size_t at = file.find("'<i8'");
  file[at + 3] = '4';
  Expected<NamedArrays> arrays = parseNpz(file);
  ASSERT_FALSE(bool(arrays));
  EXPECT_EQ(toString(arrays.takeError()), "array '0/in/input_ids.npy': its checksum is wrong");
}
