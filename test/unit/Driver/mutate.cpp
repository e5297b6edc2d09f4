//===- mutate.cpp - compiles damaged versions of a model ----------------===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
// mutate MODEL.onnx FIRST COUNT [SECONDS [KEEP.onnx]]: compiles COUNT versions of the model, each with one to three things in its graph wrong, and every fourth with
// damaged bytes (number N is the same every time), as far as to machine-independent code for its kernels. Every one must end in time and in bounded memory, with a result or with an error
// of one sentence. Prints what does not, and how many did what; exit code 1 where one crashed. `mutate MODEL.onnx N 1 0 KEEP.onnx` runs number N in this process, for a
// debugger, and leaves what it compiled.
//
//===----------------------------------------------------------------------===//

#include "compiler/Driver/Compile.h"
#include "compiler/Driver/Progress.h"
#include "compiler/Import/onnx.pb.h"

#include "llvm/Support/Error.h"
#include <fstream>
#include <random>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

namespace {

using Graph = onnx::GraphProto;
using Node = onnx::NodeProto;

/// Numbers that sizes, axes and flags are not.
constexpr int64_t kOdd[] = {-1, -2, 0, 1, 2, 3, 5, 7, -7, 64, 100, -100, 1 << 20, int64_t(1) << 40, INT64_MAX, INT64_MIN};
constexpr float kOddFloats[] = {0, -1, 1e30f, -1e30f, 1e-30f, INFINITY, -INFINITY, NAN};
constexpr int kTypes[] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 16, 17, 21, 22, 99};
constexpr const char *kOperators[] = {"Add", "MatMul", "Gemm", "Softmax", "Concat", "Split", "Slice", "Gather", "GatherND", "Reshape", "Transpose", "Expand", "Where",
                                      "Cast", "ReduceMean", "ReduceSum", "LayerNormalization", "Conv", "Unsqueeze", "Squeeze", "Shape", "Range", "ConstantOfShape",
                                      "Pad", "Tile", "Trilu", "CumSum", "TopK", "ScatterND", "DequantizeLinear", "QuantizeLinear", "DynamicQuantizeLinear",
                                      "MatMulInteger", "Identity", "Clip", "Einsum", "ArgMax", "NonZero", "Resize", "OneHot", "Flatten", "Mod", "If", "Loop",
                                      "GRU", "Attention", "Nonsense"};

class Mutator {
public:
  Mutator(onnx::ModelProto &model, uint64_t number) : model(model), graph(*model.mutable_graph()), random(number) {}

  /// Makes one thing wrong; what, as a sentence.
  std::string mutate() {
    switch (pick(20)) {
    case 0: case 1: return attribute();
    case 2: case 3: case 4: return input();
    case 5: return outputs();
    case 6: return kind();
    case 7: case 8: return modelInput();
    case 9: case 10: return initializerShape();
    case 11: case 12: return initializerContents();
    case 13: return initializerType();
    case 14: return removeNode();
    case 15: return modelOutput();
    case 16: return opset();
    case 17: return valueInfo();
    case 18: return order();
    default: return attribute();
    }
  }

private:
  onnx::ModelProto &model;
  Graph &graph;
  std::mt19937_64 random;

  int pick(int count) { return count > 0 ? int(random() % unsigned(count)) : 0; }
  int64_t odd() { return kOdd[pick(std::size(kOdd))]; }
  Node *node() { return graph.node_size() ? graph.mutable_node(pick(graph.node_size())) : nullptr; }
  onnx::TensorProto *initializer() { return graph.initializer_size() ? graph.mutable_initializer(pick(graph.initializer_size())) : nullptr; }
  std::string anyValue() {
    int kind = pick(10);
    if (kind == 0 && graph.input_size())
      return graph.input(pick(graph.input_size())).name();
    if (kind < 3 && graph.initializer_size())
      return graph.initializer(pick(graph.initializer_size())).name();
    Node *n = node();
    return n && n->output_size() ? n->output(pick(n->output_size())) : "";
  }

public:
  /// The model as bytes, damaged as bytes in every fourth version: cut off, or some bits flipped, mostly in front, where the nodes are.
  std::string serialize(uint64_t number, std::string &what) {
    std::string bytes = model.SerializeAsString();
    if (number % 4 || bytes.empty())
      return bytes;
    if (pick(3) == 0) {
      bytes.resize(random() % bytes.size());
      what += "; cut to " + std::to_string(bytes.size()) + " bytes";
      return bytes;
    }
    for (int flips = 1 + pick(3); flips > 0; --flips) {
      size_t at = random() % (pick(4) ? std::min<size_t>(bytes.size(), 20000) : bytes.size());
      bytes[at] = char(bytes[at] ^ 1 << pick(8));
      what += "; a bit of byte " + std::to_string(at);
    }
    return bytes;
  }

private:
  std::string attribute() {
    Node *n = nullptr;
    for (int tries = 0; tries < 50 && !(n && n->attribute_size()); ++tries)
      n = node();
    if (!n || !n->attribute_size())
      return "nothing";
    int which = pick(n->attribute_size());
    onnx::AttributeProto &a = *n->mutable_attribute(which);
    std::string what = n->op_type() + " '" + n->name() + "' attribute " + a.name();
    switch (pick(6)) {
    case 0:
      n->mutable_attribute()->DeleteSubrange(which, 1);
      return what + " removed";
    case 1:
      a.set_type(onnx::AttributeProto::AttributeType(1 + pick(8)));
      return what + " of another type";
    case 2:
      a.set_name("unknown");
      return what + " renamed";
    default:
      if (a.ints_size()) {
        int64_t value = odd();
        if (pick(3) == 0)
          a.add_ints(value);
        else if (pick(3) == 0)
          a.mutable_ints()->Truncate(pick(a.ints_size()));
        else
          a.set_ints(pick(a.ints_size()), value);
      } else if (a.type() == onnx::AttributeProto::FLOAT) {
        a.set_f(kOddFloats[pick(std::size(kOddFloats))]);
      } else if (a.type() == onnx::AttributeProto::STRING) {
        a.set_s(pick(2) ? "" : "nonsense");
      } else if (a.has_t()) {
        contents(*a.mutable_t());
      } else {
        a.set_i(odd());
      }
      return what + " changed";
    }
  }

  std::string input() {
    Node *n = node();
    if (!n)
      return "nothing";
    std::string what = n->op_type() + " '" + n->name() + "' input";
    if (!n->input_size() || pick(6) == 0) {
      n->add_input(anyValue());
      return what + " added: " + n->input(n->input_size() - 1);
    }
    int which = pick(n->input_size());
    switch (pick(4)) {
    case 0:
      n->set_input(which, "");
      return what + " " + std::to_string(which) + " left out";
    case 1:
      n->mutable_input()->DeleteSubrange(which, n->input_size() - which);
      return what + "s cut to " + std::to_string(which);
    default:
      n->set_input(which, anyValue());
      return what + " " + std::to_string(which) + " is now " + n->input(which);
    }
  }

  std::string outputs() {
    Node *n = node();
    if (!n || !n->output_size())
      return "nothing";
    if (pick(2))
      n->add_output("extra_" + std::to_string(random() % 1000));
    else
      n->mutable_output()->DeleteSubrange(pick(n->output_size()), 1);
    return n->op_type() + " '" + n->name() + "' has " + std::to_string(n->output_size()) + " outputs";
  }

  std::string kind() {
    Node *n = node();
    if (!n)
      return "nothing";
    std::string before = n->op_type();
    Node *other = node();
    n->set_op_type(pick(2) ? other->op_type() : kOperators[pick(std::size(kOperators))]);
    if (pick(8) == 0)
      n->set_domain(pick(2) ? "com.microsoft" : "");
    return before + " '" + n->name() + "' is now " + n->op_type();
  }

  std::string modelInput() {
    if (!graph.input_size())
      return "nothing";
    onnx::ValueInfoProto &in = *graph.mutable_input(pick(graph.input_size()));
    auto &type = *in.mutable_type()->mutable_tensor_type();
    std::string what = "input '" + in.name() + "'";
    switch (pick(5)) {
    case 0:
      type.set_elem_type(kTypes[pick(std::size(kTypes))]);
      return what + " of type " + std::to_string(type.elem_type());
    case 1:
      type.mutable_shape()->add_dim()->set_dim_value(pick(2) ? 1 : odd());
      return what + " with one axis more";
    case 2:
      if (type.shape().dim_size())
        type.mutable_shape()->mutable_dim()->DeleteSubrange(pick(type.shape().dim_size()), 1);
      return what + " with one axis less";
    default:
      if (type.shape().dim_size()) {
        auto &dim = *type.mutable_shape()->mutable_dim(pick(type.shape().dim_size()));
        if (pick(3))
          dim.set_dim_value(odd());
        else
          dim.set_dim_param(pick(2) ? "" : pick(2) ? "past_sequence_length" : "sequence");
      }
      return what + " with another size";
    }
  }

  std::string initializerShape() {
    onnx::TensorProto *t = initializer();
    if (!t)
      return "nothing";
    std::string what = "initializer '" + t->name() + "'";
    switch (pick(5)) {
    case 0:
      t->add_dims(1);
      return what + " with one axis more";
    case 1:
      if (t->dims_size() > 1)
        t->mutable_dims()->SwapElements(0, t->dims_size() - 1);
      return what + " turned round";
    case 2: // the same elements with one axis less
      if (t->dims_size() > 1) {
        int64_t last = t->dims(t->dims_size() - 1);
        t->mutable_dims()->RemoveLast();
        t->set_dims(t->dims_size() - 1, t->dims(t->dims_size() - 1) * last);
      } else {
        t->clear_dims();
      }
      return what + " flattened";
    case 3: // no elements
      if (t->dims_size())
        t->set_dims(pick(t->dims_size()), 0);
      else
        t->add_dims(0);
      t->clear_raw_data(), t->clear_float_data(), t->clear_int64_data(), t->clear_int32_data();
      return what + " empty";
    default:
      if (t->dims_size())
        t->set_dims(pick(t->dims_size()), odd());
      return what + " with another size";
    }
  }

  void contents(onnx::TensorProto &t) {
    if (t.data_type() == onnx::TensorProto::INT64 && t.raw_data().size() >= 8) {
      int64_t value = odd();
      std::string raw = t.raw_data();
      raw.replace(size_t(pick(int(raw.size() / 8))) * 8, 8, reinterpret_cast<const char *>(&value), 8);
      t.set_raw_data(raw);
    } else if (t.int64_data_size()) {
      t.set_int64_data(pick(t.int64_data_size()), odd());
    } else if (t.data_type() == onnx::TensorProto::FLOAT && t.raw_data().size() >= 4) {
      float value = kOddFloats[pick(std::size(kOddFloats))];
      std::string raw = t.raw_data();
      raw.replace(size_t(pick(int(raw.size() / 4))) * 4, 4, reinterpret_cast<const char *>(&value), 4);
      t.set_raw_data(raw);
    } else if (!t.raw_data().empty()) {
      std::string raw = t.raw_data();
      raw[pick(int(raw.size()))] = char(random());
      t.set_raw_data(raw);
    }
  }

  std::string initializerContents() {
    // Integers are shapes, axes and indices, so they are more telling than weights.
    onnx::TensorProto *t = nullptr;
    for (int tries = 0; tries < 20 && !(t && t->data_type() == onnx::TensorProto::INT64); ++tries)
      t = initializer();
    if (!t)
      return "nothing";
    contents(*t);
    return "initializer '" + t->name() + "' has other contents";
  }

  std::string initializerType() {
    onnx::TensorProto *t = initializer();
    if (!t)
      return "nothing";
    t->set_data_type(kTypes[pick(std::size(kTypes))]);
    return "initializer '" + t->name() + "' of type " + std::to_string(t->data_type());
  }

  std::string removeNode() {
    if (!graph.node_size())
      return "nothing";
    int which = pick(graph.node_size());
    std::string what = graph.node(which).op_type() + " '" + graph.node(which).name() + "'";
    if (pick(2)) {
      graph.mutable_node()->DeleteSubrange(which, 1);
      return what + " removed";
    }
    std::string from = graph.node(which).output_size() ? graph.node(which).output(0) : "", to = anyValue();
    for (Node &n : *graph.mutable_node())
      for (std::string &name : *n.mutable_input())
        if (name == from)
          name = to;
    return what + " bypassed by " + to;
  }

  std::string modelOutput() {
    onnx::ValueInfoProto *out = graph.output_size() && pick(2) ? graph.mutable_output(pick(graph.output_size())) : graph.add_output();
    out->set_name(anyValue());
    return "output '" + out->name() + "'";
  }

  std::string opset() {
    if (!model.opset_import_size())
      return "nothing";
    auto &set = *model.mutable_opset_import(pick(model.opset_import_size()));
    constexpr int64_t versions[] = {0, 1, 6, 7, 9, 10, 11, 12, 13, 17, 18, 20, 21, 23, 24, 1000};
    set.set_version(versions[pick(std::size(versions))]);
    return "operator set '" + set.domain() + "' version " + std::to_string(set.version());
  }

  std::string valueInfo() {
    onnx::ValueInfoProto &info = *graph.add_value_info();
    info.set_name(anyValue());
    auto &type = *info.mutable_type()->mutable_tensor_type();
    type.set_elem_type(kTypes[pick(std::size(kTypes))]);
    for (int i = pick(6); i > 0; --i)
      type.mutable_shape()->add_dim()->set_dim_value(odd());
    return "wrong value_info of '" + info.name() + "'";
  }

  std::string order() {
    if (graph.node_size() < 2)
      return "nothing";
    graph.mutable_node()->SwapElements(pick(graph.node_size()), pick(graph.node_size()));
    return "two nodes change places";
  }
};

/// Bounds for the sizes that the inputs leave open.
std::vector<sinter::DimBound> bounds(const onnx::ModelProto &model) {
  std::vector<sinter::DimBound> dims;
  for (const onnx::ValueInfoProto &input : model.graph().input())
    for (const auto &dim : input.type().tensor_type().shape().dim()) {
      const std::string &name = dim.dim_param();
      bool known = name.empty() || name.find_first_of("+0123456789") == 0 || name.find('+') != std::string::npos;
      for (const sinter::DimBound &other : dims)
        known |= other.name == name;
      if (!known)
        dims.push_back({name, name.find("past") == std::string::npos ? 1 : 0, 16});
    }
  return dims;
}

/// Compiles `path` in this process: 0 done, 2 a proper error, 3 an improper one.
int compile(const std::string &path, const onnx::ModelProto &model, std::string &message) {
  sinter::CompileOptions options;
  options.dims = bounds(model);
  options.model = path;
  options.output = path + ".so";
  options.emitLibrary = false;
  options.emitHeader = true;
  options.mcpu = "x86-64-v3";
  options.maxSeq = 64;
  options.chunk = 16;
  sinter::Progress progress;
  if (llvm::Error error = sinter::compileModel(options, progress)) {
    message = llvm::toString(std::move(error));
    bool proper = !message.empty() && message.find('\n') == std::string::npos && message.find("internal") == std::string::npos;
    return proper ? 2 : 3;
  }
  return 0;
}

/// In a process of its own, so that one crash is one line. The child's answer comes through its exit code and a pipe.
int compileApart(const std::string &path, const onnx::ModelProto &model, unsigned seconds, std::string &message) {
  int ends[2];
  if (pipe(ends))
    return 3;
  pid_t child = fork();
  if (child == 0) {
    close(ends[0]);
    rlimit memory = {uint64_t(8) << 30, uint64_t(8) << 30};
    setrlimit(RLIMIT_AS, &memory);
    alarm(seconds);
    std::string text;
    int code = compile(path, model, text);
    text.resize(std::min<size_t>(text.size(), 4000));
    (void)!write(ends[1], text.data(), text.size());
    _exit(code);
  }
  close(ends[1]);
  char buffer[4096];
  ssize_t got = read(ends[0], buffer, sizeof buffer);
  message.assign(buffer, got > 0 ? got : 0);
  close(ends[0]);
  int status = 0;
  waitpid(child, &status, 0);
  if (WIFSIGNALED(status)) {
    message = WTERMSIG(status) == SIGALRM ? "no end after " + std::to_string(seconds) + " s" : "signal " + std::to_string(WTERMSIG(status));
    return 3;
  }
  return WEXITSTATUS(status);
}

} // namespace

int main(int argc, char **argv) {
  if (argc < 4) {
    fprintf(stderr, "usage: mutate MODEL.onnx FIRST COUNT [SECONDS [KEEP.onnx]]\n");
    return 2;
  }
  std::string source = argv[1];
  uint64_t first = std::stoull(argv[2]), count = std::stoull(argv[3]);
  unsigned seconds = argc > 4 ? std::stoul(argv[4]) : 20;
  onnx::ModelProto original;
  std::ifstream file(source, std::ios::binary);
  if (!original.ParseFromIstream(&file)) {
    fprintf(stderr, "mutate: cannot read %s\n", source.c_str());
    return 2;
  }
  std::string path = source + "." + std::to_string(getpid()) + ".onnx", header = path + ".h";
  uint64_t compiled = 0, refused = 0, failed = 0;
  for (uint64_t number = first; number < first + count; ++number) {
    onnx::ModelProto model = original;
    Mutator mutator(model, number);
    std::string what;
    for (uint64_t i = 0; i <= number % 3; ++i)
      what += (i ? "; " : "") + mutator.mutate();
    std::string bytes = mutator.serialize(number, what);
    for (const std::string &to : {path, std::string(argc > 5 ? argv[5] : "")})
      if (!to.empty())
        std::ofstream(to, std::ios::binary | std::ios::trunc) << bytes;
    std::string message;
    int code = seconds ? compileApart(path, model, seconds, message) : compile(path, model, message);
    if (!seconds || getenv("MUTATE_VERBOSE"))
      printf("%llu (%s): %s\n", (unsigned long long)number, what.c_str(), code ? message.c_str() : "compiled");
    compiled += code == 0;
    refused += code == 2;
    if (code == 0 || code == 2)
      continue;
    ++failed;
    printf("%llu (%s): %s\n", (unsigned long long)number, what.c_str(), message.c_str());
    fflush(stdout);
  }
  unlink(path.c_str());
  unlink(header.c_str());
  printf("%s: %llu compiled, %llu refused, %llu failed\n", source.c_str(), (unsigned long long)compiled, (unsigned long long)refused, (unsigned long long)failed);
  return failed ? 1 : 0;
}
