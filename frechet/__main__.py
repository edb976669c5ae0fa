from frechet.interfaces.command_line import main

raise SystemExit(main())
