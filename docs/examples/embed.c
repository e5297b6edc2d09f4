/* Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
   embed MODEL.so ID...: continues a prompt of token ids with the most likely ones, printed as they come.
   Builds with a C compiler alone: cc embed.c -I INCLUDE_DIR -o embed */
#include <sinter.h>
#include <stdlib.h>

enum { MAX_NEW_TOKENS = 32 };

/* Metadata "eos" is a list such as "2" or "2,32000". */
static int is_end(const sinter_model *model, int64_t token) {
  const sinter_meta *ends = sinter_find_meta(model, "eos");
  char *at = (char *)(ends ? ends->value : ""), *rest;
  for (; *at; at = *rest ? rest + 1 : rest)
    if (strtoll(at, &rest, 10) == token)
      return 1;
  return 0;
}

int main(int argc, char **argv) {
  sinter_model *model = NULL;
  sinter_session *session = NULL;
  sinter_sampling greedy = {0};
  char why[SINTER_MESSAGE_BYTES] = "";
  int64_t *tokens = calloc((size_t)argc, sizeof *tokens);
  size_t count = argc > 2 ? (size_t)argc - 2 : 0, i;
  int status, step;

  if (!tokens || !count)
    return fprintf(stderr, "usage: embed MODEL.so ID...\n"), 2;
  for (i = 0; i < count; ++i)
    tokens[i] = strtoll(argv[i + 2], NULL, 10);

  status = sinter_open(argv[1], NULL, &model, why);
  if (!status)
    status = sinter_session_create(model, NULL, &session, why);
  for (step = 0; !status && step < MAX_NEW_TOKENS && sinter_length(session) < model->info->capacity; ++step) {
    const float *logits;
    size_t vocabulary;
    status = sinter_forward(session, tokens, count, NULL, 0, &logits, &vocabulary);
    if (status) {
      snprintf(why, sizeof why, "%s", sinter_message(session));
      break;
    }
    tokens[0] = sinter_sample(model, &greedy, logits, vocabulary);
    count = 1; /* the cache keeps the rest */
    if (is_end(model, tokens[0]))
      break;
    printf("%lld ", (long long)tokens[0]);
    fflush(stdout);
  }
  printf("\n");
  fflush(stdout);
  if (status)
    fprintf(stderr, "%s\n", why);
  sinter_session_destroy(session);
  sinter_close(model);
  free(tokens);
  return status != 0;
}
