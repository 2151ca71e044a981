"""The ways from outside into Commonwatt: GraphQL, REST, jobs and the command line; `house.ROOMS` lists the rooms."""
