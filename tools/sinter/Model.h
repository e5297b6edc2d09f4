//===- Model.h - compiled models and their sessions ------------*- C++ -*-===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
// sinter.h with ownership and llvm::Error, for the subcommands.
//
//===----------------------------------------------------------------------===//

#ifndef SINTER_TOOLS_SINTER_MODEL_H
#define SINTER_TOOLS_SINTER_MODEL_H

#include "runtime/include/sinter.h"
#include "runtime/src/Program.h"
#include "tools/sinter/Npz.h"
#include "tools/sinter/Tokenizer/Tokenizer.h"

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace sinter::tools {

class Model {
public:
  static llvm::Expected<Model> open(const std::string &path);

  const sinter_model_info &info() const { return *handle->info; }
  const sinter_model *get() const { return handle.get(); }
  /// The block that the compiler wrote.
  const program::Header &program() const;
  std::optional<llvm::StringRef> meta(llvm::StringRef key) const;
  /// A meta that is a number; 0 where it is absent.
  uint64_t number(llvm::StringRef key) const;
  /// Whether it takes tokens and remembers them.
  bool isDecoder() const;
  /// Bytes that one more token takes in all caches.
  uint64_t cacheBytesPerToken() const;
  /// The ids of tokens that end a text.
  std::vector<int64_t> endTokens() const;

private:
  struct Close {
    void operator()(sinter_model *model) const { sinter_close(model); }
  };
  std::unique_ptr<sinter_model, Close> handle;
};

/// The model outlives it.
class Session {
public:
  /// 0 threads: one a processor; 0 tokens a chunk: the model's own.
  static llvm::Expected<Session> create(const Model &model, uint32_t threads, uint32_t chunk);

  /// An error with the session's message, if `status` is one.
  llvm::Error check(int status) const;
  sinter_session *get() const { return handle.get(); }
  /// Adds tokens; the logits that follow the last one are valid until the next call.
  llvm::Expected<llvm::ArrayRef<float>> forward(llvm::ArrayRef<int64_t> tokens);
  /// Runs on all inputs and gives outputs by name; their data are valid until the next call.
  llvm::Expected<std::vector<sinter_tensor>> run(llvm::ArrayRef<sinter_tensor> inputs,
                                                 llvm::ArrayRef<const char *> outputs);
  /// Drops tokens, or adds the token `filler`, until the session holds `length`.
  llvm::Error setLength(int64_t length, int64_t filler);

private:
  struct Destroy {
    void operator()(sinter_session *session) const { sinter_session_destroy(session); }
  };
  std::unique_ptr<sinter_session, Destroy> handle;
};

/// A view of `array`, which outlives it, for a call. The number of axes must be at most SINTER_MAX_RANK.
sinter_tensor view(const char *name, const Array &array);

} // namespace sinter::tools

#endif // SINTER_TOOLS_SINTER_MODEL_H
