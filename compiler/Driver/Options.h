//===- Options.h - what a compilation is asked for ------------*- C++ -*-===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
// The flags of `sinter compile`, parsed but not yet compared with the file. What each means beside what the file says
// is decided by the stage that reads it.
//
//===----------------------------------------------------------------------===//

#ifndef SINTER_COMPILER_DRIVER_OPTIONS_H
#define SINTER_COMPILER_DRIVER_OPTIONS_H

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace sinter {

enum class ActivationChoice { Auto, F32, Int8 };
enum class CacheChoice { Auto, F32, F16, BF16 };

/// `--dim NAME=LO..HI`: inclusive bounds of a dimension that the file leaves open. LO == HI fixes it.
struct DimBound {
  std::string name;
  int64_t lo, hi;
};

/// `--state IN=OUT`: output OUT of one run is input IN of the next.
struct StatePair {
  std::string input, output;
};

struct CompileOptions {
  std::string model;  ///< path of the ONNX file
  std::string output; ///< path of the library; other kinds of output replace its extension

  /// auto, f32, bf16, f16, int8, int4, each with `:key=value,...`; read by passes/Quantize
  std::string weights = "auto";
  ActivationChoice activations = ActivationChoice::Auto;
  CacheChoice kv = CacheChoice::Auto;
  std::string mcpu = "native"; ///< as LLVM names it, or native

  std::vector<DimBound> dims;      ///< in the order given; names are unique
  std::optional<int64_t> maxSeq;   ///< capacity of caches, in tokens
  std::optional<int64_t> context;  ///< tokens that the model's configuration says it was made for
  std::optional<int64_t> chunk;    ///< most new tokens in one run
  std::vector<StatePair> states;   ///< declared beside those that are recognised
  bool keepPastOutputs = false;    ///< present outputs stay readable
  std::vector<std::string> probes; ///< names of nodes whose results become outputs

  bool everyKey = false; ///< compute attention with keys that masks hide, too

  std::string dumpIR;    ///< folder for the IR after each stage; empty: none
  std::string stopAfter; ///< name of the stage after which the IR is printed to standard output; empty: run all
  bool emitLibrary = true, emitObject = false, emitLLVM = false, emitHeader = false;
  uint64_t sidecarThreshold = uint64_t(1) << 30; ///< weights of more bytes go to a file of their own
  unsigned threads = 0;                          ///< for encoding weights; 0: as many as there are processors

  /// Stored in the library as they are, for tools that read it: "tokenizer", "tokenizer.kind", "eos", "bos".
  std::vector<std::pair<std::string, std::string>> metas;
};

} // namespace sinter

#endif // SINTER_COMPILER_DRIVER_OPTIONS_H
