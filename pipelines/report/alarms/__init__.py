"""What is wrong with a run as a whole: what did nothing or everything, edges, drift; gates on its figures."""
